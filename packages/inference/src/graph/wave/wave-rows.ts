import type { Graph, Value } from '@cem/onnx-graph'
import { sizesOf } from '../operators.ts'
import type { WaveContext } from './wave-context.ts'

export function gatherRows(graph: Graph, data: Value, rows: Value): Value {
  return graph.node('Gather', [data, rows])
}

/** 0 to N - 1 for x [N, ...], int64. */
export function rangeOf(
  graph: Graph,
  { zeroLong, oneLong }: WaveContext['constants'],
  x: Value,
): Value {
  const end = graph.node('Squeeze', [sizesOf(graph, x, 0, 1), graph.integers([0])])
  return graph.node('Range', [zeroLong, end, oneLong], {
    types: [{ type: 'int64', shape: ['N'] }],
  })
}

/** x[i, columns[i]] of x [N, vocabSize], [N]. GatherElements does the same and takes CUDA a hundred times as long. */
export function elementsAt(
  graph: Graph,
  { constants, vocabSize }: WaveContext,
  x: Value,
  columns: Value,
): Value {
  const rows = graph.node('Mul', [rangeOf(graph, constants, x), vocabSize])
  const at = graph.node('Add', [rows, columns])
  return graph.node('Gather', [graph.node('Reshape', [x, graph.integers([-1])]), at])
}

/** Logits as log-probabilities. */
export function logSoftmax(graph: Graph, logits: Value): Value {
  return graph.node('LogSoftmax', [logits], { attributes: { axis: -1 } })
}
