import type { Graph, Value } from '@cem/onnx-graph'
import { addBlockEnd } from '../block-end.ts'
import { addBlocks, addLogits, type KeysAndValues } from '../decoder-blocks.ts'
import { asColumn, cast, concat, sizesOf } from '../operators.ts'
import { advance, isStopToken, type PhaseTests, phaseTests, type RowState } from './row-state.ts'
import type { WaveContext } from './wave-context.ts'
import { sumNames } from './wave-names.ts'
import { sampleWave } from './wave-sampling.ts'

/** What goes from step to step. */
export interface StepState {
  readonly row: RowState
  /** By `WaveContext.sumNames`. */
  readonly sums: readonly Value[]
  readonly caches: readonly KeysAndValues[]
}

export interface StepResult extends StepState {
  /** int64 [N]: the tokens that joined the answers; -1 where none did. */
  readonly token: Value
  /** float32 [N]: log-probabilities of what was sampled, the stop token too. */
  readonly logprob: Value
}

export interface StepAt {
  /** int64 scalar: the number of the step in the wave. */
  readonly step: Value
  /** int64 [N]: which of the wave's rows these are. */
  readonly ids: Value
  /** The interventions' terms of these rows. */
  readonly terms: StepTerms
}

/** float32 [I, N, 4] each. */
export interface StepTerms {
  /** Of prompts' last tokens and closing tokens. */
  readonly edge: Value
  /** Of answers' tokens. */
  readonly answer: Value
}

/** One step: every row feeds its next token, which gives its state, and samples another. */
export function addStep(
  graph: Graph,
  context: WaveContext,
  { row, sums, caches }: StepState,
  at: StepAt,
): StepResult {
  const { inputs, parts, constants, phases } = context
  const is = phaseTests(graph, row, phases, constants)
  const newSums = [...sums]
  const blocks = addBlocks(graph, parts, {
    residual: parts.embed(graph, asColumn(graph, row.next)),
    batchShape: concat(graph, [sizesOf(graph, row.next, 0, 1), graph.integers([1])], 0),
    lastPositions: row.length,
    totalLength: graph.node('Add', [inputs.firstTotal, cast(graph, at.step, 'int32')]),
    ropes: context.ropes,
    cacheOf: (layer) => caches[layer] ?? null,
    endBlock: blockEnds(graph, context, is, at.terms, newSums),
  })
  const { token, logprob } = sampleWave(
    graph,
    context,
    addLogits(graph, parts, blocks.residual),
    at,
  )
  const isStop = isStopToken(graph, token, inputs.stopTokens, {
    ones: context.stopOnes,
    zero: constants.zeroFloat,
  })
  const { accepted, ...after } = advance(graph, row, {
    inputs,
    phases,
    constants,
    is,
    token,
    isStop,
  })
  return {
    row: after,
    sums: newSums,
    caches: blocks.caches,
    token: graph.node('Where', [accepted, token, constants.noToken]),
    logprob: graph.node('Where', [is.sampling, logprob, constants.zeroFloat]),
  }
}

/** Ends blocks so that states of answers' tokens, and of closing ones, join their rows' sums, which are put into `sums`. */
function blockEnds(
  graph: Graph,
  context: WaveContext,
  is: PhaseTests,
  terms: StepTerms,
  sums: Value[],
) {
  const isAnswer = asColumn(graph, is.answerFed)
  const weights = {
    content: cast(graph, isAnswer, 'float32'),
    closing: asColumn(graph, cast(graph, is.closing, 'float32')),
  }
  const fed = graph.node('Where', [isAnswer, terms.answer, terms.edge])
  const interventions = { ...context.interventions, terms: fed }
  return (end: Parameters<Parameters<typeof addBlocks>[2]['endBlock']>[0]) => {
    const names = sumNames(end.layer)
    const places = [names.content, names.closing].map((name) => context.sumNames.indexOf(name))
    const result = addBlockEnd(graph, interventions, {
      ...end,
      pool: (branch, states) =>
        [weights.content, weights.closing].map((weight, i) =>
          branch.node('Add', [
            sums[places[i] as number] as Value,
            branch.node('Mul', [states, weight]),
          ]),
        ),
    })
    for (const [i, place] of places.entries()) sums[place] = result.sums[i] as Value
    return result
  }
}
