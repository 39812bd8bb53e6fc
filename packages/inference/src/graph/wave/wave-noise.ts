import type { Graph, Value } from '@cem/onnx-graph'
import { gumbelOfHash } from '../gumbel-noise.ts'
import { cast, concat, sizesOf } from '../operators.ts'

/**
 * How noise is hashed. `xor` is that of the flat graph. CUDA has no kernel for bitwise operations, so `square` makes do with
 * sums and products: x = m a + k, x (x + b), whose high bits depend on every bit of x. Samples of the two are independent.
 */
export type NoiseKind = 'xor' | 'square'

/** Negated Gumbel numbers [N, V], from keys int32 [N, 1] and tables int32 [1, V]. */
export function addWaveNoise(
  graph: Graph,
  kind: NoiseKind,
  tables: { readonly multipliers: Value; readonly masks: Value },
  keys: { readonly a: Value; readonly b: Value },
): Value {
  const shape = concat(graph, [sizesOf(graph, keys.a, 0, 1), sizesOf(graph, tables.masks, 1, 2)], 0)
  const zeros = graph.node('Expand', [cast(graph, graph.scalar(0), 'int32'), shape], {
    types: [{ type: 'int32', shape: ['N', tables.masks.shape?.[1] ?? '?'] }],
  })
  // Not the product of a column and a row, which takes CUDA ten times as long as these two.
  const product = graph.node('Mul', [graph.node('Add', [zeros, tables.multipliers]), keys.a])
  return gumbelOfHash(
    graph,
    kind === 'xor'
      ? graph.node('Mul', [graph.node('BitwiseXor', [product, tables.masks]), keys.b])
      : square(graph, graph.node('Add', [product, tables.masks]), keys.b),
  )
}

function square(graph: Graph, x: Value, b: Value): Value {
  return graph.node('Mul', [x, graph.node('Add', [x, b])])
}
