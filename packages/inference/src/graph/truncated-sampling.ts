import type { Graph, Value } from '@cem/onnx-graph'
import { type NoiseInputs, negativeGumbel } from './gumbel-noise.ts'
import { keptTokens, type TruncatedRows } from './kept-tokens.ts'
import { cast } from './operators.ts'

/** What top_k and top_p look at first: sorting the whole vocabulary takes as long as a decode step. */
export const nCandidates = 1024

/**
 * Tokens [N] from what top_k and top_p keep: the kept one with the largest logit + temperature * gumbel, each with the noise
 * that it has without them. Rows that may keep more than the first candidates are sorted whole.
 */
export function truncatedTokens(
  graph: Graph,
  rows: TruncatedRows,
  noise: NoiseInputs,
  nTokens: number,
): Value {
  if (nTokens <= nCandidates) return sampleKept(graph, rows, noise, nTokens).tokens
  const { tokens, isClosed } = sampleKept(graph, rows, noise, nCandidates)
  const isOpen = graph.node('Not', [graph.node('Squeeze', [isClosed, graph.integers([1])])])
  const whole = graph.subgraph(`${graph.name}/whole`)
  whole.output(sortWhole(whole, rows, noise, { tokens, isOpen }, nTokens))
  const first = graph.subgraph(`${graph.name}/first`)
  first.output(tokens, `${first.name}/tokens`)
  return graph.node('If', [any(graph, isOpen)], {
    attributes: { then_branch: whole, else_branch: first },
  })
}

/** The tokens, with those of open rows taken from the whole vocabulary. */
function sortWhole(
  graph: Graph,
  rows: TruncatedRows,
  noise: NoiseInputs,
  { tokens, isOpen }: { readonly tokens: Value; readonly isOpen: Value },
  nTokens: number,
): Value {
  const found = graph.node('NonZero', [isOpen], { types: [{ type: 'int64', shape: [1, 'M'] }] })
  const open = graph.node('Squeeze', [found, graph.integers([0])])
  const take = (value: Value) => graph.node('Gather', [value, open])
  const openRows = {
    logits: take(rows.logits),
    temperatures: take(rows.temperatures),
    topKs: take(rows.topKs),
    tails: take(rows.tails),
  }
  const keys = { keyA: take(noise.keyA), keyB: take(noise.keyB) }
  const exact = sampleKept(graph, openRows, { ...noise, ...keys }, nTokens).tokens
  return graph.node('ScatterElements', [tokens, open, exact], {
    types: [{ type: 'int64', shape: tokens.shape }],
  })
}

function sampleKept(
  graph: Graph,
  rows: TruncatedRows,
  noise: NoiseInputs,
  nConsidered: number,
): { readonly tokens: Value; readonly isClosed: Value } {
  const { ids, logits, isKept, isClosed } = keptTokens(graph, rows, nConsidered)
  const ofTokens = (constants: Value) =>
    graph.node('Gather', [graph.node('Squeeze', [constants, graph.integers([0])]), ids])
  const { multipliers, masks } = noise
  const gumbel = negativeGumbel(graph, {
    ...noise,
    multipliers: ofTokens(multipliers),
    masks: ofTokens(masks),
  })
  const noisy = graph.node('Sub', [logits, graph.node('Mul', [gumbel, rows.temperatures])])
  const masked = graph.node('Where', [isKept, noisy, graph.scalar(Number.NEGATIVE_INFINITY)])
  const best = graph.node('ArgMax', [masked], { attributes: { axis: -1 } })
  const tokens = graph.node('GatherElements', [ids, best], { attributes: { axis: 1 } })
  return { tokens: graph.node('Squeeze', [tokens, graph.integers([1])]), isClosed }
}

function any(graph: Graph, flags: Value): Value {
  const ones = cast(graph, flags, 'int32')
  return cast(graph, graph.node('ReduceSum', [ones], { attributes: { keepdims: 0 } }), 'bool')
}
