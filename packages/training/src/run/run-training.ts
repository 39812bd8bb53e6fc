import { performance } from 'node:perf_hooks'
import { CemError } from '@cem/core'
import { stepsPerEpoch } from '../batches/batch-order.ts'
import { microBatches } from '../batches/micro-batches.ts'
import { publishFinal } from '../checkpoints/publish-final.ts'
import {
  checkpointFolder,
  checkpointSteps,
  readCheckpoint,
  removeOptimizerStates,
} from '../checkpoints/read-checkpoint.ts'
import { type CheckpointSetting, writeCheckpoint } from '../checkpoints/write-checkpoint.ts'
import type { Tokenized, TokenizedExample } from '../data/tokenize.ts'
import type { PreferencePair, Trainer, TrainingSequence } from '../trainer/trainer.ts'
import { batchOf, makeStep, type StepContext, signalOf } from './make-step.ts'
import type { TrainingParts } from './objective-parts.ts'
import { openOutput } from './open-output.ts'
import type { PreparedTraining } from './prepare-training.ts'
import type { TrainingEndEvent, TrainingEvent, TrainingReferenceEvent } from './training-events.ts'
import { TrainingLog } from './training-log.ts'
import { type TrainingProcess, trainingProcess, writeMetadata } from './training-metadata.ts'
import { machineNote, trainingNotes } from './training-notes.ts'

/** Runs a training, or what is left of it: see `trainSft`. */
export async function* runTraining<E extends TrainingSequence | PreferencePair>(
  prepared: PreparedTraining,
  parts: TrainingParts<E>,
): AsyncGenerator<TrainingEvent, TrainingEndEvent> {
  const start = performance.now()
  const { options, training, evaluation, nSteps, record } = prepared
  const { folder, name } = options
  const { resumeFrom, isComplete, restarted, processes: before, claim } = await openOutput(prepared)
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
  for (const note of trainingNotes(prepared, restarted)) yield note
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
  yield* trainFrom(prepared, parts, { resumeFrom, before })
  const last = end(nSteps - resumeFrom)
  yield last
  return last
}

/** Where a training goes on, and who made it so far. */
interface Beginning {
  readonly resumeFrom: number
  readonly before: readonly TrainingProcess[]
}

/** Makes the steps that are left, and the final adapter or model. */
async function* trainFrom<E extends TrainingSequence | PreferencePair>(
  prepared: PreparedTraining,
  parts: TrainingParts<E>,
  { resumeFrom, before }: Beginning,
): AsyncGenerator<TrainingEvent, void> {
  const { options, training, evaluation, nSteps, record } = prepared
  const { folder, given, name } = options
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
  const processes = [
    // Of a process that saved nothing, nothing is left.
    ...before.filter(({ fromStep }) => fromStep < resumeFrom),
    trainingProcess(prepared, { fromStep: resumeFrom, device: trainer.device ?? null }),
  ]
  await writeMetadata(prepared, 'running', processes)
  const otherMachine = machineNote(processes)
  if (otherMachine !== undefined) yield otherMachine
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
  const context = { prepared, parts, trainer, sequences, heldOut, setting }
  for (let step = resumeFrom + 1; step <= nSteps; step++) yield* oneStep(context, step, log)
  await publishFinal(checkpointFolder(folder, nSteps), folder)
  await writeMetadata(prepared, 'complete', processes)
}

interface StepsContext<E extends TrainingSequence | PreferencePair>
  extends Omit<StepContext<E>, 'step'> {
  readonly heldOut: readonly E[]
  readonly setting: CheckpointSetting
}

/** A step, and where they are due the evaluated loss and a checkpoint after it. */
async function* oneStep<E extends TrainingSequence | PreferencePair>(
  context: StepsContext<E>,
  step: number,
  log: TrainingLog,
): AsyncGenerator<TrainingEvent, void> {
  const { prepared, parts, trainer, heldOut, setting } = context
  const { options, nSteps } = prepared
  const { folder, given } = options
  given.signal?.throwIfAborted()
  const event = await makeStep({ ...context, step }, log)
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
  if (!isSaved) return
  const path = checkpointFolder(folder, step)
  const state = { ...(await trainer.readState()), step }
  await writeCheckpoint(path, state, setting).catch(async (error: unknown) => {
    throw await notSaved(error, folder, step)
  })
  if (given.keepOptimizer !== 'all') await removeOptimizerStates(folder, step)
  yield { type: 'training-checkpoint', step, folder: path }
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

/** A checkpoint that does not fit on the disk, with what is left. */
async function notSaved(error: unknown, folder: string, step: number): Promise<unknown> {
  if (!CemError.isInstance(error)) return error
  const last = (await checkpointSteps(folder)).at(-1)
  const kept =
    last === undefined
      ? 'There is no earlier checkpoint: run again, it begins anew.'
      : `checkpoint-${last} is whole: run again, it goes on from there.`
  return new CemError({
    code: error.code,
    message: `${error.message} ${kept}`,
    data: { ...error.data, step, lastCheckpoint: last ?? null },
    cause: error,
  })
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
