import { encodeModel, Graph, type Shape } from '@cem/onnx-graph'

/** Small graphs that make, move and read tensors which stay on a device. `rank` is that of the tensors. */

const dims = (prefix: string, rank: number): Shape =>
  Array.from({ length: rank }, (_, i) => `${prefix}${i}`)

/** `zeros`: float32 of the given `shape`, int64 [rank]. */
export function zerosGraph(rank: number): Uint8Array {
  const graph = new Graph('zeros')
  const shape = graph.input('shape', 'int64', [rank])
  const types = [{ type: 'float32' as const, shape: dims('d', rank) }]
  graph.output(graph.node('Expand', [graph.scalar(0), shape], { types }), 'zeros')
  return encodeModel(graph)
}

/** `copy`: the float32 tensor `x` as it is. */
export function copyGraph(rank: number): Uint8Array {
  const graph = new Graph('copy')
  graph.output(graph.input('x', 'float32', dims('d', rank)), 'copy')
  return encodeModel(graph)
}

/**
 * `merged`: rows of `target` [N, ...], but where `is_taken` (bool [N, 1, ...]) the row of `source` [M, ...] that `rows`
 * (int64 [N]) names. Both have the same sizes after the first.
 */
export function mergeRowsGraph(rank: number): Uint8Array {
  const graph = new Graph('merge_rows')
  const rest = dims('d', rank).slice(1)
  const ones = rest.map(() => 1)
  const taken = graph.node('Gather', [
    graph.input('source', 'float32', ['M', ...rest]),
    graph.input('rows', 'int64', ['N']),
  ])
  const isTaken = graph.input('is_taken', 'bool', ['N', ...ones])
  const target = graph.input('target', 'float32', ['N', ...rest])
  graph.output(graph.node('Where', [isTaken, taken, target]), 'merged')
  return encodeModel(graph)
}

/** `longer`: `x` [M, H, C, D] with `more` [M, H, E, D] behind it on the third axis. */
export function lengthenGraph(): Uint8Array {
  const graph = new Graph('lengthen')
  const x = graph.input('x', 'float32', ['M', 'H', 'C', 'D'])
  const more = graph.input('more', 'float32', ['M', 'H', 'E', 'D'])
  graph.output(graph.node('Concat', [x, more], { attributes: { axis: 2 } }), 'longer')
  return encodeModel(graph)
}

/** `shorter`: the first `length` (int64 [1]) of `x` [M, H, C, D] on the third axis. */
export function shortenGraph(): Uint8Array {
  const graph = new Graph('shorten')
  const x = graph.input('x', 'float32', ['M', 'H', 'C', 'D'])
  const [start, axis] = [graph.integers([0]), graph.integers([2])]
  const types = [{ type: x.type, shape: dims('d', 4) }]
  const length = graph.input('length', 'int64', [1])
  graph.output(graph.node('Slice', [x, start, length, axis], { types }), 'shorter')
  return encodeModel(graph)
}

/** `row.0`, `row.1`, ...: the row [1, D] that `row` (int64 [1]) names of each of `x.0`, `x.1`, ..., [N, D]. */
export function readRowGraph(count: number): Uint8Array {
  const graph = new Graph('read_row')
  const row = graph.input('row', 'int64', [1])
  for (let i = 0; i < count; i++) {
    const x = graph.input(`x.${i}`, 'float32', ['N', 'D'])
    graph.output(graph.node('Gather', [x, row]), `row.${i}`)
  }
  return encodeModel(graph)
}
