import type { Graph, Value } from '@cem/onnx-graph'
import { cast } from './decoder-blocks.ts'

/**
 * How noise is hashed. `xor` is that of the flat graph. CUDA has no kernel for bitwise operations, so `square` makes do with
 * sums and products: x = m a + k, x (x + b), whose high bits depend on every bit of x. Samples of the two are independent.
 */
export type NoiseKind = 'xor' | 'square'

/** float32 [N, V]: -log u, with u uniform on (0, 1), from keys int32 [N, 1] and tables int32 [1, V]. */
export function addExponentialNoise(
  graph: Graph,
  kind: NoiseKind,
  tables: { readonly multipliers: Value; readonly masks: Value },
  keys: { readonly a: Value; readonly b: Value },
): Value {
  const zeros = graph.node(
    'Expand',
    [
      cast(graph, graph.scalar(0), 'int32'),
      graph.node('Concat', [dimension(graph, keys.a, 0), dimension(graph, tables.masks, 1)], {
        attributes: { axis: 0 },
      }),
    ],
    { types: [{ type: 'int32', shape: ['N', tables.masks.shape?.[1] ?? '?'] }] },
  )
  // Not the product of a column and a row, which takes CUDA ten times as long as these two.
  const product = graph.node('Mul', [graph.node('Add', [zeros, tables.multipliers]), keys.a])
  const hashed =
    kind === 'xor'
      ? graph.node('Mul', [graph.node('BitwiseXor', [product, tables.masks]), keys.b])
      : square(graph, graph.node('Add', [product, tables.masks]), keys.b)
  // From the int32 range to the open interval (0, 1): the factor keeps both ends 2^-24 away.
  const scaled = graph.node('Mul', [
    cast(graph, hashed, 'float32'),
    graph.scalar((0.5 - 2 ** -24) * 2 ** -31),
  ])
  const uniform = graph.node('Add', [scaled, graph.scalar(0.5)])
  return graph.node('Neg', [graph.node('Log', [uniform])])
}

function square(graph: Graph, x: Value, b: Value): Value {
  return graph.node('Mul', [x, graph.node('Add', [x, b])])
}

function dimension(graph: Graph, x: Value, axis: number): Value {
  return graph.node('Shape', [x], {
    attributes: { start: axis, end: axis + 1 },
    types: [{ type: 'int64', shape: [1] }],
  })
}
