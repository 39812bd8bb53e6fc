import { float, type Graph, type Value } from '@cem/onnx-graph'

/** What a root-mean-square norm is made of. */
export interface Norm {
  /** float32 [size]: what the normed values are multiplied with. */
  readonly weight: Value
  readonly epsilon: number
}

/** x [rows, size], each row divided by its root mean square, times the weight (Zhang and Sennrich, arXiv 1910.07467). */
export function addNorm(graph: Graph, x: Value, { weight, epsilon }: Norm): Value {
  return graph.node('SimplifiedLayerNormalization', [x, weight], {
    attributes: { axis: -1, epsilon: float(epsilon), stash_type: 1 },
  })
}

/** x + y, and its norm, in one operator. */
export function addSumAndNorm(
  graph: Graph,
  x: Value,
  y: Value,
  { weight, epsilon }: Norm,
): { sum: Value; normed: Value } {
  const [normed, , , sum] = graph.nodeWithOutputs(
    'SkipSimplifiedLayerNormalization',
    [x, y, weight],
    { domain: 'com.microsoft', attributes: { epsilon: float(epsilon) } },
  ) as [Value, Value, Value, Value]
  return { sum, normed }
}
