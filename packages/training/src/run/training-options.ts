import type { Order } from '../batches/batch-order.ts'
import type { LoraOptions } from '../checkpoints/adapter-config.ts'
import type { SavedDtype } from '../checkpoints/state-tensors.ts'
import type { DataSource } from '../data/data-source.ts'
import type { TokenizeOptions } from '../data/tokenize.ts'
import type { ScheduleName } from '../schedule/learning-rate.ts'
import type { DpoOptions, OptimizerOptions, TrainerOpener } from './trainer-request.ts'

/** The persona that the training is on top of. */
export interface PersonaOptions {
  /** Folder of its adapter. */
  readonly adapter: string
  /**
   * `merged`: added to the weights. `stacked`: active beside them, frozen. `off`: known and recorded, and without effect (as the
   * Python pipeline trained, unknowingly).
   */
  readonly mode: 'merged' | 'stacked' | 'off'
}

export interface TrainingOptions
  extends OptimizerOptions,
    Pick<TokenizeOptions, 'overLong' | 'lossOn' | 'unusable'> {
  /** @default the name of the output folder */
  readonly name?: string | undefined
  /** Folder of the checkpoints, `outputs/<variant>`. */
  readonly output: string
  /** Model folder or hub id. */
  readonly base: string
  /**
   * Starts from random weights, decided by the seed, instead of the base's: the base's folder then gives config.json and the
   * tokenizer, and need hold no weights. For small models, with `method: 'full'`. @default false
   */
  readonly randomWeights?: boolean | undefined
  /** Other names of the base that a persona's adapter may carry. */
  readonly baseAliases?: readonly string[] | undefined
  /** @default none */
  readonly persona?: PersonaOptions | undefined
  /** What is trained: an adapter, or every weight of a small model. @default 'lora' */
  readonly method?: 'lora' | 'full' | undefined
  readonly lora?: LoraOptions | undefined
  /** Folder of an adapter to go on from, instead of a fresh one. */
  readonly initialFrom?: string | undefined
  readonly data: readonly DataSource[]
  /** Relative paths of data start here. @default the working folder */
  readonly dataRoot?: string | undefined
  /** Share of the data that is held out for the evaluated loss. @default 0 */
  readonly evaluationShare?: number | undefined
  /** Longest sequence in tokens, not above the model's positions. @default 2048, and 1024 for DPO, or the model's positions */
  readonly maxTokens?: number | undefined
  /** @default 1 */
  readonly epochs?: number | undefined
  /** Instead of `epochs`: optimiser steps. */
  readonly steps?: number | undefined
  /** Examples in an optimiser step. @default 16, and 32 for DPO */
  readonly batchSize?: number | undefined
  /** Tokens that are computed at once, padding included; the rest of a step follows, its gradients added. @default 4096 */
  readonly microBatchTokens?: number | undefined
  /** @default 'random' */
  readonly order?: Order | undefined
  /** @default 1e-5, and 5e-5 for DPO */
  readonly learningRate?: number | undefined
  /** @default 'linear' */
  readonly schedule?: ScheduleName | undefined
  /** @default 5; for DPO a tenth of the steps */
  readonly warmupSteps?: number | undefined
  readonly warmupRatio?: number | undefined
  /** Where `cosine` ends, as a share of the highest rate. @default 0 */
  readonly minimumRatio?: number | undefined
  /** Steps with a checkpoint. The last step always has one. */
  readonly checkpoints?: readonly number[] | undefined
  /** A checkpoint at each multiple of it. */
  readonly saveSteps?: number | undefined
  /** Evaluated loss at each multiple of it, and at the end. @default where there are checkpoints */
  readonly evaluateSteps?: number | undefined
  /** Decides initial weights, order, selection and split, where they have no seed of their own. @default 0 */
  readonly seed?: number | undefined
  readonly initialisationSeed?: number | undefined
  readonly orderSeed?: number | undefined
  /** Of `limit`, the mixture and what is held out. */
  readonly splitSeed?: number | undefined
  /** Type of saved weights. The optimiser's state beside them is always exact. @default 'F32' */
  readonly dtype?: SavedDtype | undefined
  /** Which checkpoints keep the optimiser's state, two to three times the size of the weights. @default 'last' */
  readonly keepOptimizer?: 'last' | 'all' | undefined
  /** Where the output folder holds a training with other settings or data. @default 'refuse' */
  readonly onChange?: 'refuse' | 'restart' | undefined
  /** Whether layers are computed again in the backward pass, for less memory. @default the trainer's choice */
  readonly recompute?: boolean | undefined
  readonly threads?: number | undefined
  /** Where hashes, merged weights and reference log-probabilities are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** What computes. @default ONNX Runtime in a process of its own */
  readonly trainer?: TrainerOpener | undefined
}

export interface DpoTrainingOptions extends TrainingOptions, DpoOptions {}
