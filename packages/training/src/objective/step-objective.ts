import type { Tensor } from '@cem/inference/runtime'
import type { PaddedBatch } from '../trainer/micro-batch.ts'
import type { EvaluationResult, MicroBatch, SequenceSpec } from '../trainer/trainer-messages.ts'

/** One step's loss: what its micro-batches are fed, and their log-probabilities added up in 64 bits. */
export interface StepObjective {
  /** The sequences of a micro-batch, in the order in which they are computed together. */
  sequences(batch: MicroBatch): readonly SequenceSpec[]
  /** What the gradient graph is given beside the tokens. */
  feeds(batch: MicroBatch, padded: PaddedBatch): Record<string, Tensor>
  /** Adds a micro-batch. @param logprobs [nTargets] */
  add(batch: MicroBatch, padded: PaddedBatch, logprobs: Float32Array): void
  result(): EvaluationResult
}

/** The sum of a sequence's weights. */
export function totalWeight({ weights }: SequenceSpec): number {
  return weights.reduce((a, b) => a + b, 0)
}
