import type { Graph, Value } from '@cem/onnx-graph'
import { addBlockSampling, canSampleByBlocks } from './block-sampling.ts'
import { gumbelOfHash, type NoiseInputs, noiseHash } from './gumbel-noise.ts'
import * as io from './io-names.ts'
import { asColumn, sizesOf } from './operators.ts'
import { noiseTables } from './token-noise.ts'
import { truncatedTokens } from './truncated-sampling.ts'

/**
 * Gumbel-max sampling: the token with the largest logit + temperature * gumbel, which is a draw from
 * softmax(logits / temperature). Temperature 0 takes the largest logit. See `tokenNoise` for the noise, and `keptTokens` for
 * top_k and top_p, which draw from fewer tokens.
 *
 * @param mayUseBlocks whether a large vocabulary may be sampled by blocks, with operators that not every provider has
 */
export function addSampling(
  graph: Graph,
  logits: Value,
  vocabSize: number,
  nTokens: number,
  mayUseBlocks = false,
): Value {
  const isSampling = graph.input(io.inputs.isSampling, 'bool', [])
  const keyA = graph.input(io.inputs.noiseKeyA, 'int32', ['N', 1])
  const keyB = graph.input(io.inputs.noiseKeyB, 'int32', ['N', 1])
  const temperatures = graph.input(io.inputs.temperatures, 'float32', ['N', 1])
  const isTruncating = graph.input(io.inputs.isTruncating, 'bool', [])
  const topKs = graph.input(io.inputs.topKs, 'int64', ['N', 1])
  const tails = graph.input(io.inputs.tails, 'float32', ['N', 1])
  const isBlocked = mayUseBlocks && canSampleByBlocks(vocabSize)
  const nNoise = isBlocked ? vocabSize : nTokens
  const tables = noiseTables(nNoise)
  const multipliers = graph.constant('noise_multipliers', tables.multipliers, [1, nNoise])
  const masks = graph.constant('noise_masks', tables.masks, [1, nNoise])
  const noise = { kind: 'xor', multipliers, masks, keyA, keyB } as const

  const sample = graph.subgraph('sample')
  const whole = sample.subgraph('sample/all')
  const options = { logits, temperatures, vocabSize, nTokens }
  whole.output(isBlocked ? blockTokens(whole, options, noise) : wholeTokens(whole, options, noise))
  const truncated = sample.subgraph(`${sample.name}/${io.optionalBranches.truncation}`)
  const real = (x: Value) => firstColumns(truncated, x, nTokens)
  const rows = { logits: real(logits), temperatures, topKs, tails }
  const realNoise = { ...noise, multipliers: real(multipliers), masks: real(masks) }
  truncated.output(truncatedTokens(truncated, rows, realNoise, nTokens))
  const sampled = sample.node('If', [isTruncating], {
    attributes: { then_branch: truncated, else_branch: whole },
  })
  sample.output(sampled, 'sampled_tokens')

  const skip = graph.subgraph('no_sample')
  skip.output(zeroPerRow(skip, logits, 'int64'), 'no_tokens')
  const tokens = graph.node('If', [isSampling], {
    attributes: { then_branch: sample, else_branch: skip },
  })
  graph.output(tokens, io.outputs.tokens)
  return tokens
}

interface TokenOptions {
  readonly logits: Value
  readonly temperatures: Value
  readonly vocabSize: number
  readonly nTokens: number
}

/** From every token's noise. `noise` has the constants of at least nTokens tokens. */
function wholeTokens(
  graph: Graph,
  { logits, temperatures, nTokens }: TokenOptions,
  noise: NoiseInputs,
): Value {
  const real = (x: Value) => firstColumns(graph, x, nTokens)
  const realNoise = { ...noise, multipliers: real(noise.multipliers), masks: real(noise.masks) }
  const negated = gumbelOfHash(graph, noiseHash(graph, realNoise))
  const noisy = graph.node('Sub', [real(logits), graph.node('Mul', [negated, temperatures])])
  return graph.node('ArgMax', [noisy], { attributes: { axis: -1, keepdims: 0 } })
}

/** From the noise of the blocks that can win; where that is not proven, from every token's. */
function blockTokens(graph: Graph, options: TokenOptions, noise: NoiseInputs): Value {
  const hashed = noiseHash(graph, noise)
  const { tokens, isProven } = addBlockSampling(graph, { ...options, hashed })
  const proven = graph.subgraph(`${graph.name}/proven`)
  proven.output(tokens, `${proven.name}/tokens`)
  const open = graph.subgraph(`${graph.name}/open`)
  open.output(wholeTokens(open, options, noise))
  return graph.node('If', [isProven], {
    attributes: { then_branch: proven, else_branch: open },
  })
}

/** Log-probabilities of given or sampled tokens: logit - logsumexp(logits), over the whole vocabulary. */
export function addLogprobs(graph: Graph, logits: Value, tokens: Value): void {
  const isScoring = graph.input(io.inputs.isScoring, 'bool', [])
  const targets = graph.input(io.inputs.targets, 'int64', ['N'])

  const score = graph.subgraph('score')
  const zero = score.constant('target_zero', BigInt64Array.of(0n), [])
  const chosen = score.node('Where', [score.node('Less', [targets, zero]), tokens, targets])
  const places = asColumn(score, chosen)
  const logit = score.node('GatherElements', [logits, places], { attributes: { axis: 1 } })
  const total = score.node('ReduceLogSumExp', [logits, score.integers([1])])
  const logprob = score.node('Sub', [logit, total])
  score.output(score.node('Squeeze', [logprob, score.integers([1])]), 'token_logprobs')

  const skip = graph.subgraph('no_score')
  skip.output(zeroPerRow(skip, logits, 'float32'), 'no_logprobs')
  const logprobs = graph.node('If', [isScoring], {
    attributes: { then_branch: score, else_branch: skip },
  })
  graph.output(logprobs, io.outputs.logprobs)
}

function firstColumns(graph: Graph, x: Value, n: number): Value {
  if (x.shape?.[1] === n) return x
  const [start, end, axis] = [graph.integers([0]), graph.integers([n]), graph.integers([1])]
  const types = [{ type: x.type, shape: ['N', n] }]
  return graph.node('Slice', [x, start, end, axis], { types })
}

/** [N] zeros, without touching the logits themselves. */
function zeroPerRow(graph: Graph, logits: Value, type: 'int64' | 'float32'): Value {
  const rows = sizesOf(graph, logits, 0, 1)
  const zero = graph.constant(
    `${graph.name}_zero`,
    type === 'int64' ? BigInt64Array.of(0n) : Float32Array.of(0),
    [],
  )
  return graph.node('Expand', [zero, rows], { types: [{ type, shape: ['N'] }] })
}
