import { stepInputs } from '../graph/step-names.ts'
import { targetColumn } from '../trainer/micro-batch.ts'
import type { MicroBatch, SequenceSpec } from '../trainer/trainer-messages.ts'
import { type StepObjective, totalWeight } from './step-objective.ts'

/** The mean over all weighted tokens of a step, whatever micro-batches they are in. */
export function sftStep(microBatches: readonly MicroBatch[]): StepObjective {
  const sequences = (batch: MicroBatch) => batch as readonly SequenceSpec[]
  const total = microBatches
    .flatMap(sequences)
    .reduce((sum, sequence) => sum + totalWeight(sequence), 0)
  const weightIn = (batch: MicroBatch) => (sequence: number, position: number) =>
    (sequences(batch)[sequence]?.weights[position] ?? 0) / total
  let loss = 0
  let nTokens = 0
  return {
    sequences,
    feeds: (batch, padded) => ({
      [stepInputs.tokenWeights]: targetColumn(padded, weightIn(batch)),
    }),
    add: (batch, padded, logprobs) => {
      const weight = weightIn(batch)
      for (const [i, logprob] of logprobs.entries())
        loss -= logprob * weight(padded.sequenceOf[i] as number, padded.positionOf[i] as number)
      nTokens += padded.nTokens
    },
    result: () => ({ loss, nTokens }),
  }
}
