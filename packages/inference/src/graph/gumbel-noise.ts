import type { Graph, Value } from '@cem/onnx-graph'
import { cast } from './operators.ts'

/**
 * How noise is hashed. CUDA has no kernel for bitwise operations, which `xor` takes, so `square` makes do with sums and
 * products: x = m a + k, x (x + b), whose high bits depend on every bit of x. Samples of the two are independent.
 */
export type NoiseKind = 'xor' | 'square'

/** What the noise is hashed from: constants of tokens that broadcast against keys of rows. */
export interface NoiseInputs {
  readonly kind: NoiseKind
  /** int32 [1 or N, tokens] each; see `noiseTables`. */
  readonly multipliers: Value
  readonly masks: Value
  /** int32 [N, 1] each */
  readonly keyA: Value
  readonly keyB: Value
}

/** Gumbel numbers, negated: float32 [N, tokens]; of the kind `xor` those of `tokenNoise`. */
export function negativeGumbel(graph: Graph, noise: NoiseInputs): Value {
  return gumbelOfHash(graph, noiseHash(graph, noise))
}

/** What the noise is made of, and grows with: int32 [N, tokens]. */
export function noiseHash(graph: Graph, noise: NoiseInputs): Value {
  const { kind, multipliers, masks, keyA, keyB } = noise
  const product = graph.node('Mul', [multipliers, keyA])
  if (kind === 'xor') return graph.node('Mul', [graph.node('BitwiseXor', [product, masks]), keyB])
  const x = graph.node('Add', [product, masks])
  return graph.node('Mul', [x, graph.node('Add', [x, keyB])])
}

/** Negated Gumbel numbers of hashes of any shape. */
export function gumbelOfHash(graph: Graph, hashed: Value): Value {
  // From the int32 range to the open interval (0, 1): the factor keeps both ends 2^-24 away.
  const scaled = graph.node('Mul', [
    cast(graph, hashed, 'float32'),
    graph.scalar((0.5 - 2 ** -24) * 2 ** -31),
  ])
  const uniform = graph.node('Add', [scaled, graph.scalar(0.5)])
  return graph.node('Log', [graph.node('Neg', [graph.node('Log', [uniform])])])
}
