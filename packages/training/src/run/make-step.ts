import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { CemError } from '@cem/core'
import { batchOrder, stepsPerEpoch } from '../batches/batch-order.ts'
import { microBatches } from '../batches/micro-batches.ts'
import { checkpointSteps } from '../checkpoints/read-checkpoint.ts'
import { placeName } from '../data/json-rows.ts'
import type { Tokenized } from '../data/tokenize.ts'
import { learningRateAt } from '../schedule/learning-rate.ts'
import type { PreferencePair, StepResult, Trainer, TrainingSequence } from '../trainer/trainer.ts'
import type { TrainingParts } from './objective-parts.ts'
import type { PreparedTraining } from './prepare-training.ts'
import type { TrainingStepEvent } from './training-events.ts'
import type { TrainingLog } from './training-log.ts'

export interface StepContext<E extends TrainingSequence | PreferencePair> {
  readonly prepared: PreparedTraining
  readonly parts: TrainingParts<E>
  readonly trainer: Trainer<E>
  readonly sequences: readonly E[]
  /** From 1. */
  readonly step: number
}

/**
 * Makes an optimiser step.
 *
 * @throws CemError `training-not-finite` with the examples of the batch, which are in the log then too
 */
export async function makeStep<E extends TrainingSequence | PreferencePair>(
  { prepared, parts, trainer, sequences, step }: StepContext<E>,
  log: TrainingLog,
): Promise<TrainingStepEvent> {
  const { options, training, schedule } = prepared
  const indices = batchOf(prepared, step)
  const examples = indices.map((i) => sequences[i] as E)
  const batches = microBatches(examples, parts.tokensOf, options.microBatchTokens)
  const learningRate = learningRateAt(schedule, step)
  const begun = performance.now()
  let result: StepResult
  try {
    result = await trainer.step(batches, { learningRate, ...signalOf(options.given.signal) })
  } catch (error) {
    if (!CemError.isInstance(error) || error.code !== 'training-not-finite') throw error
    const places = indices.map((i) => placeOf(training, i))
    const row = { type: 'training-not-finite', step, learningRate, examples: places }
    await log.append(row)
    throw await notFinite(error, options.folder, { step, learningRate, places })
  }
  const seconds = (performance.now() - begun) / 1000
  const perEpoch = stepsPerEpoch(sequences.length, options.batchSize)
  const { loss, gradientNorm, nTokens, preference } = result
  return {
    type: 'training-step',
    step,
    epoch: Number((step / perEpoch).toPrecision(6)),
    loss,
    learningRate,
    gradientNorm,
    nTokens,
    tokensPerSecond: Number((nTokens / Math.max(seconds, 1e-9)).toPrecision(6)),
    ...(preference && { preference }),
  }
}

/** The examples of a step, by index: the same in every process. */
export function batchOf({ options, training }: PreparedTraining, step: number): readonly number[] {
  const { batchSize, order, seeds } = options
  const { examples } = training
  const perEpoch = stepsPerEpoch(examples.length, batchSize)
  const epoch = Math.floor((step - 1) / perEpoch)
  const known = orders.get(training)
  const batches =
    known?.epoch === epoch
      ? known.batches
      : batchOrder({
          lengths: examples.map(({ nTokens }) => nTokens),
          batchSize,
          order,
          seed: seeds.order,
          epoch,
        })
  orders.set(training, { epoch, batches })
  return batches[(step - 1) % perEpoch] as readonly number[]
}

/** The order of the epoch that a training is in. */
const orders = new WeakMap<
  Tokenized,
  { readonly epoch: number; readonly batches: readonly (readonly number[])[] }
>()

function placeOf({ examples }: Tokenized, index: number): string {
  const example = examples[index]?.example
  return example === undefined ? '' : placeName(example.place)
}

async function notFinite(
  cause: CemError,
  folder: string,
  found: {
    readonly step: number
    readonly learningRate: number
    readonly places: readonly string[]
  },
): Promise<CemError> {
  const { step, learningRate, places } = found
  const last = (await checkpointSteps(folder)).at(-1)
  const shown = places.slice(0, 16).map((place) => `\n- ${place}`)
  const more = places.length > 16 ? `\n- and ${places.length - 16} more` : ''
  return new CemError({
    code: 'training-not-finite',
    message: `The loss or the gradient of step ${step} is not finite (learning rate ${learningRate}); the weights were not changed. ${
      last === undefined
        ? 'There is no checkpoint yet'
        : `The last whole checkpoint is ${join(folder, `checkpoint-${last}`)}`
    }. Lower the learning rate, or look at the examples of the batch:${shown.join('')}${more}`,
    data: { ...cause.data, step, learningRate, examples: places, lastCheckpoint: last ?? null },
    cause,
  })
}

/** exactOptionalPropertyTypes: no signal is no key. */
export function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
