import type { Graph, Value } from '@cem/onnx-graph'
import { type NoiseInputs, negativeGumbel } from '../gumbel-noise.ts'
import { asColumn, cast, concat, sizesOf } from '../operators.ts'
import { truncatedTokens } from '../truncated-sampling.ts'
import type { WaveContext } from './wave-context.ts'
import { elementsAt, gatherRows, logSoftmax } from './wave-rows.ts'
import type { StepAt } from './wave-step.ts'

/** Draws a token for each row of logits [N, vocabSize], as `addSampling` does, and gives its log-probability at temperature 1. */
export function sampleWave(
  graph: Graph,
  context: WaveContext,
  logits: Value,
  { step, ids }: Pick<StepAt, 'step' | 'ids'>,
): { token: Value; logprob: Value } {
  const { inputs, options } = context
  const keysOf = (table: Value) =>
    asColumn(graph, gatherRows(graph, graph.node('Gather', [table, step]), ids))
  const noise = {
    kind: options.noise,
    ...context.noiseTables,
    keyA: keysOf(inputs.noiseKeysA),
    keyB: keysOf(inputs.noiseKeysB),
  }
  const ofRows = (values: Value) => asColumn(graph, gatherRows(graph, values, ids))
  const rows = {
    logits: realLogits(graph, context, logits),
    temperatures: ofRows(inputs.temperatures),
    topKs: ofRows(inputs.topKs),
    tails: ofRows(inputs.tails),
  }
  const scope = graph.freshName('sample')
  const truncated = graph.subgraph(`${scope}/truncated`)
  truncated.output(truncatedTokens(truncated, rows, noise, options.nTokens))
  const whole = graph.subgraph(`${scope}/all`)
  const spread = { ...noise, multipliers: overRows(whole, noise) }
  const scaled = whole.node('Mul', [negativeGumbel(whole, spread), rows.temperatures])
  whole.output(argmax(whole, whole.node('Sub', [rows.logits, scaled])))
  const token = graph.node('If', [inputs.isTruncating], {
    attributes: { then_branch: truncated, else_branch: whole },
  })
  return { token, logprob: elementsAt(graph, context, logSoftmax(graph, logits), token) }
}

/** Logits of the tokens that the tokenizer has. */
function realLogits(graph: Graph, { architecture, options }: WaveContext, logits: Value): Value {
  const { nTokens } = options
  if (nTokens === architecture.vocabSize) return logits
  const range = [graph.integers([0]), graph.integers([nTokens]), graph.integers([1])]
  return graph.node('Slice', [logits, ...range], {
    types: [{ type: 'float32', shape: ['N', nTokens] }],
  })
}

/**
 * The multipliers of all tokens for each row, [N, V]: the product of a column and a row takes CUDA ten times as long as a sum with
 * zeros and a product.
 */
function overRows(graph: Graph, { keyA, multipliers }: NoiseInputs): Value {
  const sizes = [sizesOf(graph, keyA, 0, 1), sizesOf(graph, multipliers, 1, 2)]
  const zeros = graph.node(
    'Expand',
    [cast(graph, graph.scalar(0), 'int32'), concat(graph, sizes, 0)],
    { types: [{ type: 'int32', shape: ['N', multipliers.shape?.[1] ?? '?'] }] },
  )
  return graph.node('Add', [zeros, multipliers])
}

/** The index of the largest of each row, [N]. */
function argmax(graph: Graph, x: Value): Value {
  const [, index] = graph.nodeWithOutputs('TopK', [x, graph.integers([1])], {
    nOutputs: 2,
    types: [
      { type: 'float32', shape: ['N', 1] },
      { type: 'int64', shape: ['N', 1] },
    ],
  }) as [Value, Value]
  return graph.node('Squeeze', [index, graph.integers([1])])
}
