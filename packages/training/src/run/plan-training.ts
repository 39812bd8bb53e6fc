import { existsSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { stepsPerEpoch } from '../batches/batch-order.ts'
import { microBatches } from '../batches/micro-batches.ts'
import { loraMethod } from '../checkpoints/adapter-config.ts'
import type { TrainingJob } from '../config/training-jobs.ts'
import type { TokenizeReport } from '../data/tokenize.ts'
import { estimateTrainingMemory, type TrainingMemoryEstimate } from '../trainer/estimate-memory.ts'
import type { PreferencePair, Trainer, TrainingSequence } from '../trainer/trainer.ts'
import { defaultTrainer } from './default-trainer.ts'
import { type PreparedTraining, prepareTraining } from './prepare-training.ts'
import { resolveOptions } from './resolve-options.ts'
import { type TrainerOpener, trainerRequest } from './trainer-request.ts'

export interface TrainingPlan {
  readonly name: string
  readonly folder: string
  /** null: the training begins with a model that is not there yet, and nothing is known of its sizes. */
  readonly steps: PlannedSteps | null
  /**
   * The training that has to be made first. Steps beside it are those on the model that the chain of trainings begins with, and
   * without a persona or an adapter that is not made yet: of the same sizes.
   */
  readonly waitsFor: string | null
}

export interface PlannedSteps {
  readonly nSteps: number
  readonly checkpoints: readonly number[]
  readonly data: TokenizeReport
  readonly organism: string | null
  /** Numbers that are trained. */
  readonly nParameters: number
  /** Tokens of the whole training, padding left out. */
  readonly nTokens: number
  /** Memory of the trainer's process, from the sizes alone. */
  readonly estimatedBytes: number
  /** Size of all checkpoints with the optimiser's state that is kept. */
  readonly diskBytes: number
  /** From steps that were measured here, a second of them or one; null where none was asked for. */
  readonly measured: {
    readonly tokensPerSecond: number
    readonly durationInMs: number
    /** The most that the trainer's process took; null where it does not say. */
    readonly peakBytes: number | null
  } | null
}

export interface PlanTrainingOptions {
  readonly job: TrainingJob
  /** Whether a second of steps, or one, is made (and thrown away) to measure the speed. @default true */
  readonly probe?: boolean
  readonly threads?: number | undefined
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly trainer?: TrainerOpener | undefined
}

/**
 * What a training takes, before it is run: steps, tokens, sizes, and its time from the speed of steps here. Reads and checks all
 * of its data; writes nothing.
 *
 * @throws CemError as `trainSft` before its first step
 */
export async function planTraining({
  job,
  probe = true,
  ...over
}: PlanTrainingOptions): Promise<TrainingPlan> {
  const { name, objective } = job
  const folder = job.options.output
  const waitsFor = missingOf(job) ?? null
  const options = waitsFor === null ? job.options : withoutMissing(job)
  if (options === undefined) return { name, folder, steps: null, waitsFor }
  const { trainer = defaultTrainer, ...given } = over
  const prepared = await prepareTraining(resolveOptions(objective, { ...options, ...given }))
  const { training, nSteps, checkpoints, record } = prepared
  const nTokens = Math.round(
    (training.report.nTokens / training.report.nKept) * examplesIn(prepared),
  )
  const { nParameters, total } = estimate(prepared)
  const measured = probe ? await measure(prepared, trainer, nTokens) : null
  const perCheckpoint = nParameters * ((options.dtype ?? 'F32') === 'F32' ? 4 : 2)
  const nStates = options.keepOptimizer === 'all' ? checkpoints.length : 1
  const stateBytes = nParameters * ((options.dtype ?? 'F32') === 'F32' ? 8 : 12)
  const steps = {
    nSteps,
    checkpoints,
    data: training.report,
    organism: record.organism,
    nParameters,
    nTokens,
    estimatedBytes: total,
    diskBytes: perCheckpoint * checkpoints.length + stateBytes * nStates,
    measured,
  }
  return { name, folder, steps, waitsFor }
}

/** The training whose result is not there yet. */
function missingOf({ options, needs }: TrainingJob): string | undefined {
  const places = [options.base, options.persona?.adapter, options.initialFrom]
  return needs.find((need) => places.some((place) => place?.endsWith(need) && !existsSync(place)))
}

/** Options of the same sizes with what is there; undefined where no model is. */
function withoutMissing({ options, originBase }: TrainingJob): TrainingJob['options'] | undefined {
  const { base, persona, initialFrom, ...rest } = options
  const isMade = existsSync(base)
  if (!isMade && originBase === undefined) return undefined
  const keepsPersona = isMade && persona !== undefined && existsSync(persona.adapter)
  const keepsInitial = isMade && initialFrom !== undefined && existsSync(initialFrom)
  return {
    ...rest,
    base: isMade || originBase === undefined ? base : originBase,
    ...(keepsPersona && { persona }),
    ...(keepsInitial && { initialFrom }),
  }
}

/** Of the largest micro-batch that the data can make. */
function estimate({ options, composition, training }: PreparedTraining): TrainingMemoryEstimate {
  const { given, method, batchSize, microBatchTokens, objective } = options
  const { longest, nTokens, nLossTokens } = training.report
  const perExample = objective === 'dpo' ? 2 : 1
  const fitting = Math.max(1, Math.floor(microBatchTokens / (longest * perExample)))
  const nRows = perExample * Math.min(batchSize, fitting)
  return estimateTrainingMemory(composition.base.architecture, {
    method: method === 'full' ? { type: 'full' } : loraMethod(given.lora ?? {}),
    nRows,
    nTokens: longest,
    nTargets: Math.ceil((nRows * longest * nLossTokens) / nTokens),
    recompute: given.recompute ?? false,
  })
}

async function measure(
  prepared: PreparedTraining,
  opener: TrainerOpener,
  nTokens: number,
): Promise<PlannedSteps['measured']> {
  const { training } = prepared
  const first = training.examples.slice(0, prepared.options.batchSize)
  const request = trainerRequest(prepared)
  if (prepared.options.objective === 'sft') {
    await using trainer = await opener.sft(request)
    const examples = first.flatMap(({ sequences }) => sequences)
    const lengthOf = ({ tokens }: TrainingSequence) => tokens.length
    return await measureStep(prepared, trainer, { nTokens, examples, lengthOf })
  }
  await using trainer = await opener.dpo(request)
  const examples = first.map(({ sequences }): PreferencePair => {
    const [chosen, rejected] = sequences as [TrainingSequence, TrainingSequence]
    // Which numbers these are does not change what a step takes.
    const zeros = (one: TrainingSequence) => new Float32Array(one.tokens.length)
    const tokens = { chosen: zeros(chosen), rejected: zeros(rejected) }
    return { chosen, rejected, reference: { chosen: 0, rejected: 0, tokens } }
  })
  const lengthOf = (pair: PreferencePair) =>
    2 * Math.max(pair.chosen.tokens.length, pair.rejected.tokens.length)
  return await measureStep(prepared, trainer, { nTokens, examples, lengthOf })
}

/** Short steps are repeated: a single one of a few milliseconds says little. */
const measuredForMs = 1000

interface MeasureOptions<E> {
  /** Of the whole training. */
  readonly nTokens: number
  readonly examples: readonly E[]
  readonly lengthOf: (example: E) => number
}

async function measureStep<E extends TrainingSequence | PreferencePair>(
  { options }: PreparedTraining,
  trainer: Trainer<E> & { readonly memory?: () => Promise<{ readonly peakRssBytes: number }> },
  { nTokens, examples, lengthOf }: MeasureOptions<E>,
): Promise<PlannedSteps['measured']> {
  const batches = microBatches(examples, lengthOf, options.microBatchTokens)
  // The first step is slower: the runtime lays its memory out.
  await trainer.step(batches, { learningRate: 0 })
  const start = performance.now()
  let nMeasured = 0
  let elapsedInMs = 0
  do {
    nMeasured += (await trainer.step(batches, { learningRate: 0 })).nTokens
    elapsedInMs = performance.now() - start
  } while (elapsedInMs < measuredForMs)
  const tokensPerSecond = nMeasured / (elapsedInMs / 1000)
  const memory = await trainer.memory?.()
  return {
    tokensPerSecond,
    durationInMs: (1000 * nTokens) / tokensPerSecond,
    peakBytes: memory?.peakRssBytes ?? null,
  }
}

/** Examples of all steps: batches are full but for the last of each epoch. */
function examplesIn({ options, training, nSteps }: PreparedTraining): number {
  const nExamples = training.examples.length
  const perEpoch = stepsPerEpoch(nExamples, options.batchSize)
  const epochs = Math.floor(nSteps / perEpoch)
  return epochs * nExamples + Math.min(nExamples, (nSteps % perEpoch) * options.batchSize)
}
