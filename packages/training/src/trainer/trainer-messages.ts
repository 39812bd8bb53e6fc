import type { Architecture } from '@cem/inference'
import type {
  AdaptedModule,
  AdapterSpec,
  WeightLocation,
  WeightLocations,
} from '@cem/inference/graph'
import type { ResolvedObjective } from '../objective/objective.ts'
import type { ResolvedAdamW } from './adamw.ts'
import type { TrainerState, TrainingDevice } from './trainer.ts'

/** What the parent process asks of the trainer's process, and what comes back. Everything is structured-cloneable. */
export interface TrainerSpec {
  readonly architecture: Architecture
  /** Of the base, with what was merged. */
  readonly weights: WeightLocations
  /** Stacked adapters that take part and are not trained, and what their changes are multiplied by. */
  readonly frozen: readonly { readonly adapter: AdapterSpec; readonly weight: number }[]
  readonly trained: TrainedSpec
  readonly objective: ResolvedObjective
  readonly optimizer: ResolvedAdamW
  readonly recompute: boolean
  readonly threads: number
}

export type TrainedSpec =
  | { readonly type: 'full' }
  | {
      readonly type: 'lora'
      readonly modules: readonly AdaptedModule[]
      readonly seed: number
      /** Matrices to go on from, by module path. */
      readonly initial: ReadonlyMap<
        string,
        { readonly a: WeightLocation; readonly b: WeightLocation }
      > | null
    }

/** A sequence in the form that a step takes it. */
export interface SequenceSpec {
  /** [nTokens] */
  readonly tokens: Int32Array
  /** [nTokens]; the first is 0. */
  readonly weights: Float32Array
}

export interface PairSpec {
  readonly chosen: SequenceSpec
  readonly rejected: SequenceSpec
  readonly reference: {
    readonly chosen: number
    readonly rejected: number
    readonly tokens: { readonly chosen: Float32Array; readonly rejected: Float32Array } | null
  }
}

/** Of one kind each, as the objective has it. */
export type MicroBatch = readonly SequenceSpec[] | readonly PairSpec[]

export interface EvaluationResult {
  readonly loss: number
  readonly nTokens: number
  readonly preference?: { readonly accuracy: number; readonly margin: number }
}

export interface TrainerMethods {
  open: { params: TrainerSpec; item: never; result: TrainingDevice }
  step: {
    params: { readonly microBatches: readonly MicroBatch[]; readonly learningRate: number }
    item: never
    result: EvaluationResult & { readonly gradientNorm: number }
  }
  evaluate: {
    params: { readonly microBatches: readonly MicroBatch[] }
    item: never
    result: EvaluationResult
  }
  /** [nTokens] of each sequence. */
  tokenLogprobs: {
    params: { readonly sequences: readonly SequenceSpec[] }
    item: never
    result: readonly Float32Array[]
  }
  readState: { params: null; item: never; result: TrainerState }
  restore: { params: TrainerState; item: never; result: null }
  memory: {
    params: null
    item: never
    result: { readonly rssBytes: number; readonly peakRssBytes: number }
  }
}
