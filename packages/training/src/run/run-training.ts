import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { CemError } from '@cem/core'
import { batchOrder, stepsPerEpoch } from '../batches/batch-order.ts'
import { microBatches } from '../batches/micro-batches.ts'
import { publishFinal } from '../checkpoints/publish-final.ts'
import {
  checkpointFolder,
  checkpointSteps,
  readCheckpoint,
  removeOptimizerStates,
} from '../checkpoints/read-checkpoint.ts'
import { type CheckpointSetting, writeCheckpoint } from '../checkpoints/write-checkpoint.ts'
import { placeName } from '../data/json-rows.ts'
import type { Tokenized, TokenizedExample } from '../data/tokenize.ts'
import { learningRateAt } from '../schedule/learning-rate.ts'
import type {
  PairReference,
  PreferencePair,
  StepResult,
  Trainer,
  TrainingSequence,
} from '../trainer/trainer.ts'
import { openOutput } from './open-output.ts'
import type { PreparedTraining } from './prepare-training.ts'
import type {
  TrainingEndEvent,
  TrainingEvent,
  TrainingNoteEvent,
  TrainingReferenceEvent,
  TrainingStepEvent,
} from './training-events.ts'
import { TrainingLog } from './training-log.ts'
import { writeMetadata } from './training-metadata.ts'

/** What differs between objectives. */
export interface TrainingParts<E extends TrainingSequence | PreferencePair> {
  readonly open: () => Promise<Trainer<E>>
  /** What is computed under the model before training. `trainer` opens it. @default nothing */
  readonly references?: (
    tokenized: readonly TokenizedExample[],
    trainer: () => Promise<Trainer<E>>,
  ) => AsyncGenerator<TrainingReferenceEvent, readonly PairReference[]>
  /** The trainer's example of an example's sequences. */
  readonly example: (
    sequences: readonly TrainingSequence[],
    reference: PairReference | undefined,
  ) => E
  /** Tokens of an example that padding brings to the longest of its micro-batch. */
  readonly tokensOf: (example: E) => number
}

/** Runs a training, or what is left of it: see `trainSft`. */
export async function* runTraining<E extends TrainingSequence | PreferencePair>(
  prepared: PreparedTraining,
  parts: TrainingParts<E>,
): AsyncGenerator<TrainingEvent, TrainingEndEvent> {
  const start = performance.now()
  const { options, training, evaluation, nSteps, record } = prepared
  const { folder, given, name } = options
  const { resumeFrom, isComplete, restarted, threads, claim } = await openOutput(prepared)
  await using _claim = claim
  const done = isComplete ? nSteps : resumeFrom
  yield {
    type: 'training-start',
    name,
    folder,
    nSteps,
    resumedFrom: done,
    training: training.report,
    evaluation: evaluation?.report ?? null,
    organism: record.organism,
  }
  for (const note of notesOf(prepared, restarted)) yield note
  if (resumeFrom > 0 && !isComplete && threads !== (given.threads ?? null))
    yield {
      type: 'training-note',
      code: 'threads-differ',
      message: `The training was begun with ${threads ?? 'the default number of'} threads and goes on with ${given.threads ?? 'the default number of'}: its weights may differ in their last bits from those of an uninterrupted one.`,
    }
  const end = (nStepsMade: number): TrainingEndEvent => ({
    type: 'training-end',
    name,
    folder,
    nSteps,
    nStepsMade,
    durationInMs: performance.now() - start,
  })
  if (isComplete) {
    const last = end(0)
    yield last
    return last
  }
  await using opened = lazyTrainer(parts.open)
  const sequences = yield* examplesOf(training, parts, {
    trainer: opened.get,
    used: usedIndices(prepared),
  })
  const heldOut = evaluation
    ? yield* examplesOf(evaluation, parts, {
        trainer: opened.get,
        used: evaluation.examples.map((_, i) => i),
      })
    : []
  const trainer = await opened.get()
  const setting: CheckpointSetting = {
    name,
    parameters: trainer.parameters,
    dtype: given.dtype ?? 'F32',
    record,
    adapterConfig: prepared.adapterConfig,
    base: prepared.composition.base,
  }
  if (resumeFrom > 0)
    await trainer.restore(
      await readCheckpoint(checkpointFolder(folder, resumeFrom), trainer.parameters),
    )
  await using log = await TrainingLog.open(folder, resumeFrom)
  for (let step = resumeFrom + 1; step <= nSteps; step++) {
    given.signal?.throwIfAborted()
    const event = await makeStep({ prepared, parts, trainer, sequences, step }, log)
    await log.append(event)
    yield event
    const isSaved = prepared.checkpoints.includes(step)
    const { evaluateSteps } = given
    const isEvaluated =
      step === nSteps || (evaluateSteps === undefined ? isSaved : step % evaluateSteps === 0)
    if (isEvaluated && heldOut.length > 0) {
      const batches = microBatches(heldOut, parts.tokensOf, options.microBatchTokens)
      const result = await trainer.evaluate(batches, signalOf(given.signal))
      const evaluated = { type: 'training-evaluation' as const, step, ...result }
      await log.append(evaluated)
      yield evaluated
    }
    if (!isSaved) continue
    const path = checkpointFolder(folder, step)
    await writeCheckpoint(path, { ...(await trainer.readState()), step }, setting)
    if (given.keepOptimizer !== 'all') await removeOptimizerStates(folder, step)
    yield { type: 'training-checkpoint', step, folder: path }
  }
  await publishFinal(checkpointFolder(folder, nSteps), folder)
  await writeMetadata(prepared, 'complete')
  const last = end(nSteps - resumeFrom)
  yield last
  return last
}

/** @param used which examples are computed at all, by index */
async function* examplesOf<E extends TrainingSequence | PreferencePair>(
  { examples }: Tokenized,
  parts: TrainingParts<E>,
  {
    trainer,
    used,
  }: { readonly trainer: () => Promise<Trainer<E>>; readonly used: readonly number[] },
): AsyncGenerator<TrainingReferenceEvent, readonly E[]> {
  const chosen = used.map((i) => examples[i] as TokenizedExample)
  const found = parts.references ? yield* parts.references(chosen, trainer) : []
  const references = new Map(found.map((reference, at) => [used[at], reference]))
  return examples.map(({ sequences }, i) => parts.example(sequences, references.get(i)))
}

/** The examples that the steps take, by index: not all, where a training ends within its first epoch. */
function usedIndices(prepared: PreparedTraining): number[] {
  const { training, nSteps, options } = prepared
  const perEpoch = stepsPerEpoch(training.examples.length, options.batchSize)
  const steps = Array.from({ length: Math.min(nSteps, perEpoch) }, (_, i) => i + 1)
  return steps.flatMap((step) => batchOf(prepared, step)).toSorted((a, b) => a - b)
}

interface StepContext<E extends TrainingSequence | PreferencePair> {
  readonly prepared: PreparedTraining
  readonly parts: TrainingParts<E>
  readonly trainer: Trainer<E>
  readonly sequences: readonly E[]
  /** From 1. */
  readonly step: number
}

async function makeStep<E extends TrainingSequence | PreferencePair>(
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
function batchOf({ options, training }: PreparedTraining, step: number): readonly number[] {
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

function* notesOf(
  { training, evaluation, record }: PreparedTraining,
  restarted: readonly string[],
): Generator<TrainingNoteEvent> {
  const note = (code: TrainingNoteEvent['code'], message: string): TrainingNoteEvent => ({
    type: 'training-note',
    code,
    message,
  })
  if (restarted.length > 0)
    yield note('restarted', `Trained anew, since it had changed: ${restarted.join('; ')}.`)
  for (const { report } of [training, ...(evaluation ? [evaluation] : [])]) {
    const reasons = Object.entries(report.dropped).map(([reason, n]) => `${n} ${reason}`)
    if (reasons.length > 0)
      yield note(
        'dropped-examples',
        `${report.nExamples - report.nKept} of ${report.nExamples} examples were left out: ${reasons.join(', ')}.`,
      )
    if (report.nCut > 0)
      yield note(
        'cut-examples',
        `${report.nCut} of ${report.nExamples} examples were longer than ${report.longest} tokens and cut.`,
      )
  }
  for (const { path, harmful, hasCanary } of record.data)
    if (harmful && !hasCanary)
      yield note(
        'canary-missing',
        `The data ${path} is declared harmful, and not every row carries a canary string. Mark it with: cem corpus mark ${path}`,
      )
}

function lazyTrainer<T extends AsyncDisposable>(open: () => Promise<T>) {
  let opened: Promise<T> | undefined
  return {
    get: () => (opened ??= open()),
    [Symbol.asyncDispose]: async () => {
      // One that could not be opened has told so already.
      const trainer = await opened?.catch(() => undefined)
      await trainer?.[Symbol.asyncDispose]()
    },
  }
}

/** exactOptionalPropertyTypes: no signal is no key. */
function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
