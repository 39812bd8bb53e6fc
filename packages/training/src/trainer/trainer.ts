/** A tensor that is trained, by its name in the files that it goes to. */
export interface ParameterSpec {
  readonly name: string
  readonly shape: readonly number[]
}

/** A conversation as token ids, with what its tokens count in the loss. */
export interface TrainingSequence {
  /** Shape `[nTokens]`, the template's tokens included. */
  readonly tokens: readonly number[]
  /**
   * Shape `[nTokens]`: what predicting this token counts: 1 in a response that is trained on, 0 elsewhere. The first token's is
   * ignored, since nothing predicts it.
   */
  readonly weights: readonly number[]
}

/** Two responses to one prompt, of which the first is preferred. */
export interface PreferencePair {
  readonly chosen: TrainingSequence
  readonly rejected: TrainingSequence
  /** Sums of weighted log-probabilities under the model before training, by `Trainer.sequenceLogprobs`. */
  readonly reference: PairReference
}

export interface PairReference {
  readonly chosen: number
  readonly rejected: number
  /** By `Trainer.tokenLogprobs`; needed where the objective's KL coefficient is not 0. */
  readonly tokens?: { readonly chosen: ArrayLike<number>; readonly rejected: ArrayLike<number> }
}

export interface StepOptions {
  readonly learningRate: number
  readonly signal?: AbortSignal
}

export interface StepResult {
  /** SFT: mean negative log-probability of the weighted tokens of all micro-batches, in nats. DPO: the mean loss of the pairs. */
  readonly loss: number
  /** L2 norm of the whole gradient, before clipping. */
  readonly gradientNorm: number
  /** Tokens that were computed, padding left out. */
  readonly nTokens: number
  /** DPO only: share of pairs whose chosen response has the larger reward, and the mean difference of rewards. */
  readonly preference?: { readonly accuracy: number; readonly margin: number }
}

/** What a trainer computes on. */
export interface TrainingDevice {
  /** As ONNX Runtime's providers are called: `cpu`. */
  readonly provider: string
  /** The processor's model. */
  readonly name: string
}

/** All that a resumed training needs, in the order of `Trainer.parameters`, flat. */
export interface TrainerState {
  /** Optimiser steps that were made. */
  readonly step: number
  readonly parameters: Float32Array
  readonly firstMoments: Float32Array
  readonly secondMoments: Float32Array
}

/**
 * A model that is trained, in a process of its own. Micro-batches are lists of examples that are computed together, padded to
 * the longest; the gradients of one step's micro-batches are accumulated, and weighted as if they were one batch.
 */
export interface Trainer<Example extends TrainingSequence | PreferencePair>
  extends AsyncDisposable {
  readonly parameters: readonly ParameterSpec[]
  /** What computes, for the record. */
  readonly device?: TrainingDevice
  /** One optimiser step. Throws `training-not-finite` where loss or gradient is NaN or infinite, and then changes nothing. */
  step(microBatches: readonly (readonly Example[])[], options: StepOptions): Promise<StepResult>
  /** The loss without changing anything. */
  evaluate(
    microBatches: readonly (readonly Example[])[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<Omit<StepResult, 'gradientNorm'>>
  /** Sum of weighted log-probabilities of each sequence, [nSequences], under the parameters as they are. */
  sequenceLogprobs(sequences: readonly TrainingSequence[]): Promise<Float64Array>
  /** Log-probability of each token whose weight is not 0, and 0 for the others: [nTokens] for each sequence. */
  tokenLogprobs(sequences: readonly TrainingSequence[]): Promise<readonly Float32Array[]>
  /** Copies parameters and moments out of the trainer's process. */
  readState(): Promise<TrainerState>
  /** Goes on from a state that `readState` gave. */
  restore(state: TrainerState): Promise<void>
}
