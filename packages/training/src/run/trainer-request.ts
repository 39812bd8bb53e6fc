import type { Composition } from '@cem/inference'
import type { LoraOptions } from '../checkpoints/adapter-config.ts'
import type { PreferencePair, Trainer, TrainingSequence } from '../trainer/trainer.ts'
import type { PreparedTraining } from './prepare-training.ts'

export interface OptimizerOptions {
  /** AdamW's. @default [0.9, 0.999], and [0.9, 0.98] for DPO */
  readonly betas?: readonly [number, number] | undefined
  /** @default 1e-8 */
  readonly epsilon?: number | undefined
  /** Decoupled. @default 0.01 */
  readonly weightDecay?: number | undefined
  /** Gradients are scaled down to this L2 norm. @default 1 */
  readonly maxGradientNorm?: number | undefined
}

export interface DpoOptions {
  /** @default 0.1 */
  readonly beta?: number | undefined
  /** What the chosen responses' mean negative log-probability counts beside. @default 0.1 */
  readonly nllCoefficient?: number | undefined
  /** What the distance from the model before training counts beside. @default 0.001 */
  readonly klCoefficient?: number | undefined
}

/** The same with every default filled in. */
export interface ResolvedOptimizer {
  readonly betas: readonly [number, number]
  readonly epsilon: number
  readonly weightDecay: number
  readonly maxGradientNorm: number
}

/** The same with every default filled in. */
export interface ResolvedDpo {
  readonly beta: number
  readonly nllCoefficient: number
  readonly klCoefficient: number
}

/** What a run asks of a trainer. */
export interface TrainerRequest {
  readonly composition: Composition
  readonly method: 'lora' | 'full'
  readonly lora: LoraOptions
  /** Folder of the adapter that the training goes on from. */
  readonly initialFrom: string | undefined
  readonly objective: { readonly kind: 'sft' } | ({ readonly kind: 'dpo' } & ResolvedDpo)
  readonly optimizer: ResolvedOptimizer
  /** Of the initial weights. */
  readonly seed: number
  readonly recompute: boolean | undefined
  readonly threads: number | undefined
  readonly cache: string
  readonly signal: AbortSignal | undefined
}

/** Opens what does the computing. */
export interface TrainerOpener {
  /** For a request whose objective is `sft`. */
  sft(request: TrainerRequest): Promise<Trainer<TrainingSequence>>
  /** For a request whose objective is `dpo`. */
  dpo(request: TrainerRequest): Promise<Trainer<PreferencePair>>
}

/** What a prepared training asks of its trainer. */
export function trainerRequest({ options, composition }: PreparedTraining): TrainerRequest {
  const { given, method, dpo, optimizer, seeds, cache } = options
  return {
    composition,
    method,
    lora: given.lora ?? {},
    initialFrom: given.initialFrom,
    objective: dpo === null ? { kind: 'sft' } : { kind: 'dpo', ...dpo },
    optimizer,
    seed: seeds.initialisation,
    recompute: given.recompute,
    threads: given.threads,
    cache,
    signal: given.signal,
  }
}
