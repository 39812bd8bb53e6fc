import { encodeModel, Graph, type Value } from '@cem/onnx-graph'
import { addBlockEnd } from '../block-end.ts'
import { addBlocks, addLogits } from '../decoder-blocks.ts'
import { concat, sizesOf } from '../operators.ts'
import { stateNames } from './row-state.ts'
import { type WaveContext, type WaveGraphOptions, waveContext } from './wave-context.ts'
import { outputs, promptSumName } from './wave-names.ts'
import { elementsAt, gatherRows, logSoftmax } from './wave-rows.ts'
import { always, segmentBody } from './wave-segment.ts'

/**
 * A whole wave of answers as one run: the prompts, then all tokens, sampled in the graph, so that nothing but tokens and
 * pooled states leaves the device. An outer loop goes by segments, at whose starts the rows that have ended leave the batch and
 * the cache grows; an inner one feeds one token a step. Where keys and values cannot stay on the device between runs (CUDA),
 * this is the way to decode.
 */
export function buildWaveGraph(options: WaveGraphOptions): Uint8Array {
  const root = new Graph('wave')
  addWave(root, waveContext(root, options))
  return encodeModel(root)
}

function addWave(root: Graph, context: WaveContext): void {
  const { inputs, constants, options } = context
  const { dModel } = context.architecture
  const { rows } = inputs
  const nRows = sizesOf(root, rows, 0, 1)
  const zeroRows = root.node('Expand', [constants.zeroInt, nRows], {
    types: [{ type: 'int32', shape: ['R'] }],
  })
  const sumShape = concat(root, [nRows, root.integers([dModel])], 0)
  const zeroSums = root.node('Expand', [constants.zeroFloat, sumShape], {
    types: [{ type: 'float32', shape: ['R', dModel] }],
  })
  const caches = addPrompts(root, context).map((cache) =>
    gatherRows(root, cache, inputs.rowPrompts),
  )
  const initial = [
    inputs.firstTokens,
    inputs.firstLengths,
    zeroRows,
    zeroRows,
    zeroRows,
    rows,
    ...context.sumNames.map(() => zeroSums),
    ...caches,
  ]
  const results = root.nodeWithOutputs('Loop', [inputs.maxSegments, always(root), ...initial], {
    attributes: { body: segmentBody(root, context) },
    types: [
      ...initial.map(({ type, shape }) => ({ type, shape: shape?.map(() => '?') })),
      { type: 'int64', shape: ['segments', options.segment, 'R'] },
      { type: 'float32', shape: ['segments', options.segment, 'R'] },
    ],
  })
  const sums = results.slice(stateNames.length + 1)
  for (const [i, name] of context.sumNames.entries()) root.output(sums[i] as Value, name)
  root.output(results.at(-2) as Value, outputs.tokens)
  root.output(results.at(-1) as Value, outputs.logprobs)
}

/**
 * Keys and values of the prompts, [P, nKvHeads, S, headDim], keys and values in turn, layer by layer. Given texts are scored
 * as prompts, so their states and log-probabilities are given here.
 */
function addPrompts(root: Graph, context: WaveContext): Value[] {
  const { parts, interventions } = context
  const { promptTokens, promptLasts, promptLength, poolWeights, logitRows, targets } =
    context.inputs
  const { caches, residual } = addBlocks(root, parts, {
    residual: parts.embed(root, promptTokens),
    batchShape: sizesOf(root, promptTokens, 0, 2),
    lastPositions: promptLasts,
    totalLength: promptLength,
    ropes: context.ropes,
    cacheOf: () => null,
    endBlock: (end) => {
      const result = addBlockEnd(root, interventions, {
        ...end,
        pool: (branch, states) => [branch.node('Gemm', [poolWeights, states])],
        name: promptSumName(end.layer),
      })
      root.output(result.sums[0] as Value)
      return result
    },
  })
  const logits = addLogits(root, parts, gatherRows(root, residual, logitRows))
  root.output(logits, outputs.promptLogits)
  root.output(elementsAt(root, context, logSoftmax(root, logits), targets), outputs.promptLogprobs)
  return caches.flatMap(({ keys, values }) => [keys, values])
}
