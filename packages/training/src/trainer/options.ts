import type { Composition } from '@cem/inference'
import type { LoraMethod } from '../adapters/lora-method.ts'
import type { DpoObjective, Objective, SftObjective } from '../objective/objective.ts'
import type { AdamWOptions } from './adamw.ts'
import type { PreferencePair, TrainingSequence } from './trainer.ts'

/** Every weight of the model is trained, tied embeddings as one. For small models: it takes four times the weights' memory. */
export interface FullMethod {
  readonly type: 'full'
}

export type Method = LoraMethod | FullMethod

export interface OpenTrainerOptions<O extends Objective = Objective> {
  /**
   * What is trained on top of, by `compose` of @cem/inference: merged layers are in the frozen weights, stacked ones take part
   * in every forward pass and stay as they are, and layers that are off have no effect.
   */
  readonly composition: Composition
  readonly method: Method
  readonly objective: O
  readonly optimizer?: AdamWOptions
  /** Decides the initial values of new adapters. @default 0 */
  readonly seed?: number
  /** Computes each block again in the backward pass instead of keeping its values: less memory, a third more time. @default false */
  readonly recompute?: boolean
  /** Threads of the runtime. @default the number of processors */
  readonly threads?: number
  /** Where merged weights are kept. @default the user's cache folder */
  readonly cache?: string
  /** Of the opening alone. */
  readonly signal?: AbortSignal
}

/** What a trainer of an objective is given. */
export type ExampleOf<O extends Objective> = O extends SftObjective
  ? TrainingSequence
  : O extends DpoObjective
    ? PreferencePair
    : never
