import type { Graph, Value } from '@cem/onnx-graph'
import { cast } from './operators.ts'

export interface TruncatedRows {
  /** float32 [N, nTokens] */
  readonly logits: Value
  /** float32 [N, 1], positive. */
  readonly temperatures: Value
  /** int64 [N, 1]: how many tokens top_k keeps; 0: no top_k. */
  readonly topKs: Value
  /** float32 [N, 1]: 1 - top_p; -1: no top_p. */
  readonly tails: Value
}

export interface KeptTokens {
  /** int64 [N, C]: the C tokens with the largest logits, falling, lower ids first among equals. */
  readonly ids: Value
  /** float32 [N, C] */
  readonly logits: Value
  /** bool [N, C] */
  readonly isKept: Value
  /** bool [N, 1]: no token beyond the C is kept. Means nothing where C is the whole vocabulary. */
  readonly isClosed: Value
}

/**
 * What top_k and then top_p keep, looking at the C largest logits of each row, as Transformers' warpers do on
 * logits / temperature:
 *
 * - top_k keeps the k largest and all that equal the last of these;
 * - top_p keeps a token while its probability and those after it in the order, among what top_k kept, sum to more than
 *   1 - top_p: the smallest set with a mass of at least top_p, and always the first token. Transformers leaves open which of
 *   several equal tokens go where the edge cuts through them; here lower ids stay.
 */
export function keptTokens(graph: Graph, rows: TruncatedRows, nConsidered: number): KeptTokens {
  const [values, ids] = graph.nodeWithOutputs(
    'TopK',
    [rows.logits, graph.integers([nConsidered])],
    {
      attributes: { axis: 1 },
      types: [
        { type: 'float32', shape: ['N', nConsidered] },
        { type: 'int64', shape: ['N', nConsidered] },
      ],
    },
  ) as [Value, Value]
  const scaled = graph.node('Div', [values, rows.temperatures])
  const topK = allowedByTopK(graph, scaled, rows.topKs, nConsidered)
  const from = massFrom(graph, rows, scaled, topK)
  const first = Float32Array.from({ length: nConsidered }, (_, i) => (i === 0 ? 2 : 0))
  const bonus = graph.constant(`${graph.name}/bonus`, first, [1, nConsidered])
  const isInside = graph.node('Greater', [graph.node('Add', [from, bonus]), rows.tails])
  // What lies beyond the candidates is below the edge of top_k, or comes after one that top_p drops.
  const isBeyondDropped = graph.node('LessOrEqual', [
    column(graph, from, nConsidered - 1),
    rows.tails,
  ])
  return {
    ids,
    logits: values,
    isKept: graph.node('And', [topK.isAllowed, isInside]),
    isClosed: graph.node('Or', [
      graph.node('And', [topK.hasTopK, topK.isClosed]),
      graph.node('And', [graph.node('Not', [topK.hasTopK]), isBeyondDropped]),
    ]),
  }
}

interface TopK {
  /** bool [N, 1] */
  readonly hasTopK: Value
  /** bool [N, C] */
  readonly isAllowed: Value
  /** bool [N, 1] */
  readonly isClosed: Value
}

function allowedByTopK(graph: Graph, scaled: Value, topKs: Value, nConsidered: number): TopK {
  const number = (name: string, value: number) =>
    graph.constant(`${graph.name}/${name}`, BigInt64Array.of(BigInt(value)), [])
  const [zero, one, last] = [number('zero', 0), number('one', 1), number('last', nConsidered - 1)]
  const hasTopK = graph.node('Greater', [topKs, zero])
  const at = graph.node('Sub', [graph.node('Max', [topKs, one]), one])
  const edge = graph.node('GatherElements', [scaled, graph.node('Min', [at, last])], {
    attributes: { axis: 1 },
  })
  const isAllowed = graph.node('Or', [
    graph.node('GreaterOrEqual', [scaled, edge]),
    graph.node('Not', [hasTopK]),
  ])
  const isClosed = graph.node('And', [
    graph.node('LessOrEqual', [topKs, last]),
    graph.node('Greater', [edge, column(graph, scaled, nConsidered - 1)]),
  ])
  return { hasTopK, isAllowed, isClosed }
}

/**
 * float32 [N, C]: the probability of each token and all after it. Summed in 64 bits: a large vocabulary's small probabilities
 * would each lose a part of themselves to a 32-bit sum.
 */
function massFrom(
  graph: Graph,
  { logits, temperatures }: TruncatedRows,
  scaled: Value,
  { hasTopK, isAllowed }: TopK,
): Value {
  const largest = column(graph, scaled, 0)
  const powers = (x: Value) => graph.node('Exp', [graph.node('Sub', [x, largest])])
  const sum = (x: Value) =>
    graph.node('ReduceSum', [cast(graph, x, 'float64'), graph.integers([1])])
  const allowed = graph.node('Where', [isAllowed, powers(scaled), graph.scalar(0)])
  const all = powers(graph.node('Div', [logits, temperatures]))
  const total = graph.node('Where', [hasTopK, sum(allowed), sum(all)])
  const probabilities = graph.node('Div', [cast(graph, allowed, 'float64'), total])
  const along = graph.constant(`${graph.name}/along`, BigInt64Array.of(1n), [])
  const before = graph.node('CumSum', [probabilities, along], { attributes: { exclusive: 1 } })
  const whole = graph.constant(`${graph.name}/whole`, Float64Array.of(1), [])
  return cast(graph, graph.node('Sub', [whole, before]), 'float32')
}

/** One column of [N, C], as [N, 1]. */
function column(graph: Graph, x: Value, index: number): Value {
  return graph.node('Gather', [x, graph.integers([index])], { attributes: { axis: 1 } })
}
