import { basename, resolve } from 'node:path'
import { CemError } from '@cem/core'
import { cacheFolder } from '@cem/inference'
import type { Order } from '../batches/batch-order.ts'
import type { TokenizeOptions } from '../data/tokenize.ts'
import { checkSchedule, type ScheduleOptions } from '../schedule/learning-rate.ts'
import type { ResolvedDpo, ResolvedOptimizer } from './trainer-request.ts'
import type { DpoTrainingOptions, TrainingOptions } from './training-options.ts'

export type Objective = 'sft' | 'dpo'

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly name: string
  readonly folder: string
  readonly objective: Objective
  readonly method: 'lora' | 'full'
  readonly tokens: Omit<TokenizeOptions, 'tokenizer'>
  readonly batchSize: number
  readonly microBatchTokens: number
  readonly order: Order
  readonly optimizer: ResolvedOptimizer
  readonly dpo: ResolvedDpo | null
  readonly seeds: {
    readonly initialisation: number
    readonly order: number
    readonly split: number
  }
  readonly seed: number
  readonly cache: string
  readonly given: TrainingOptions
}

/** What the reference trainings use (EM fine-tuning; DPO of constitutional fine-tuning). */
const defaults = {
  sft: { maxTokens: 2048, batchSize: 16, learningRate: 1e-5, betas: [0.9, 0.999] },
  dpo: { maxTokens: 1024, batchSize: 32, learningRate: 5e-5, betas: [0.9, 0.98] },
} as const

/** @throws CemError `invalid-request` naming the option, its value and what is allowed */
export function resolveOptions(
  objective: Objective,
  given: TrainingOptions & DpoTrainingOptions,
): ResolvedOptions {
  const own = defaults[objective]
  const { seed = 0 } = given
  const resolved: ResolvedOptions = {
    name: given.name ?? basename(resolve(given.output)),
    folder: resolve(given.output),
    objective,
    method: given.method ?? 'lora',
    tokens: {
      maxTokens: given.maxTokens ?? own.maxTokens,
      overLong: given.overLong ?? 'cut',
      lossOn: given.lossOn ?? 'all-responses',
      unusable: given.unusable ?? 'error',
    },
    batchSize: given.batchSize ?? own.batchSize,
    microBatchTokens: given.microBatchTokens ?? 4096,
    order: given.order ?? 'random',
    optimizer: {
      betas: given.betas ?? own.betas,
      epsilon: given.epsilon ?? 1e-8,
      weightDecay: given.weightDecay ?? 0.01,
      maxGradientNorm: given.maxGradientNorm ?? 1,
    },
    dpo:
      objective === 'sft'
        ? null
        : {
            beta: given.beta ?? 0.1,
            nllCoefficient: given.nllCoefficient ?? 0.1,
            klCoefficient: given.klCoefficient ?? 0.001,
          },
    seeds: {
      initialisation: given.initialisationSeed ?? seed,
      order: given.orderSeed ?? seed,
      split: given.splitSeed ?? seed,
    },
    seed,
    cache: given.cache ?? cacheFolder(),
    given,
  }
  check(resolved)
  return resolved
}

/** The schedule, once the steps are known. */
export function scheduleOf({ objective, given }: ResolvedOptions, nSteps: number): ScheduleOptions {
  const { schedule = 'linear', learningRate = defaults[objective].learningRate } = given
  const isGiven = given.warmupSteps !== undefined || given.warmupRatio !== undefined
  const warmup = isGiven
    ? { warmupSteps: given.warmupSteps, warmupRatio: given.warmupRatio }
    : objective === 'sft'
      ? { warmupSteps: 5 }
      : { warmupRatio: 0.1 }
  return { schedule, learningRate, nSteps, minimumRatio: given.minimumRatio, ...warmup }
}

function check(options: ResolvedOptions): void {
  const { given, method } = options
  const { epochs, steps, evaluationShare = 0, checkpoints = [] } = given
  const isWhole = (value: number) => Number.isSafeInteger(value) && value >= 1
  const whole = {
    batchSize: options.batchSize,
    microBatchTokens: options.microBatchTokens,
    steps,
    saveSteps: given.saveSteps,
    evaluateSteps: given.evaluateSteps,
    threads: given.threads,
  }
  for (const [name, value] of Object.entries(whole))
    if (value !== undefined && !isWhole(value))
      throw invalid(`${name} is ${value}; it must be a whole number of at least 1`)
  for (const [name, value] of Object.entries(options.seeds))
    if (!Number.isSafeInteger(value) || value < 0)
      throw invalid(`the seed of the ${name} is ${value}; it must be a whole number of at least 0`)
  const badStep = checkpoints.find((step) => !isWhole(step))
  if (badStep !== undefined)
    throw invalid(`checkpoints holds ${badStep}; steps are whole numbers of at least 1`)
  if (epochs !== undefined && steps !== undefined)
    throw invalid('epochs and steps are both given; give one of them')
  if (epochs !== undefined && !(epochs > 0 && Number.isFinite(epochs)))
    throw invalid(`epochs is ${epochs}; it must be above 0`)
  if (!(evaluationShare >= 0 && evaluationShare < 1))
    throw invalid(`evaluationShare is ${evaluationShare}; it must be at least 0 and below 1`)
  if (given.data.length === 0) throw invalid('data is empty; name at least one source')
  if (method === 'full' && (given.lora !== undefined || given.initialFrom !== undefined))
    throw invalid(
      "method is 'full', which has no lora and no initialFrom; give the model to go on from as base",
    )
  if (given.randomWeights === true && method !== 'full')
    throw invalid("randomWeights needs the method 'full': an adapter on random weights is no model")
  checkSchedule(scheduleOf(options, 1))
}

export function invalid(reason: string): CemError {
  return new CemError({
    code: 'invalid-request',
    message: `The training cannot be begun: ${reason}.`,
  })
}
