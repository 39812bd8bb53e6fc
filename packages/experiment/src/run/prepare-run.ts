import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { type Composition, type Device, type Precision, resolveProvider } from '@cem/inference'
import { distinctWarnings } from '../alarms/alarm.ts'
import { compositionAlarms } from '../alarms/composition-alarms.ts'
import { repeatedQuestions } from '../alarms/repeated-questions.ts'
import { trainedQuestions } from '../alarms/trained-questions.ts'
import { baselineVariant, contrastsOf } from '../analysis/contrasts.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Phase, RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { planCells } from '../plan/plan-cells.ts'
import { type QuestionSet, readQuestionSets } from '../plan/question-sets.ts'
import { analyseUnit, doneUnits, filesOfUnits, unitId } from '../plan/units.ts'
import { readCompositionWarnings } from '../store/alarms-file.ts'
import type { Drift } from '../store/lock.ts'
import { readLock } from '../store/lock.ts'
import type { RunStore } from '../store/run-store.ts'
import { composeCells } from './compose-cells.ts'
import type { RunOptions } from './run-experiment.ts'

export interface PreparedRun {
  readonly cells: readonly Cell[]
  readonly sets: readonly QuestionSet[]
  readonly compositions: ReadonlyMap<string, Composition> | undefined
  /** What the models run on; undefined where none runs. */
  readonly device: Device | undefined
  readonly warnings: readonly RunWarning[]
  /** What is suspicious about the compositions; as an earlier process found it, where there are no weights here. */
  readonly composition: readonly RunWarning[]
  /** Units that are done. */
  readonly done: Set<string>
  /** Units that were done, and whose files were removed since. */
  readonly removed: readonly string[]
}

/**
 * Reads the plan and everything that it names, before anything runs: what is wrong with a file is said now. Phases that need no
 * weights take the cells from the lock, so that they also run where the weights are not.
 *
 * @throws CemError `run-unknown`, `run-imported`, `provider-unavailable`, and those of `planCells`, `contrastsOf`, `readQuestionSets` and `composeCells`
 */
export async function prepareRun(
  { loaded, cache, signal }: RunOptions,
  store: RunStore,
  phases: readonly Phase[],
): Promise<PreparedRun> {
  await refuseImported(store)
  const sets = await readQuestionSets(loaded)
  const { baseAliases, precision } = loaded.config
  const needsWeights = phases.includes('generate')
  const { cells, notes } = needsWeights
    ? await planCells(loaded, { cache })
    : await lockedCells(store)
  // A family that names what is not there is said now, and not after the answers.
  contrastsOf(cells, loaded.config)
  const compositions = needsWeights
    ? await composeCells(cells, { baseAliases, precision, cache, signal })
    : undefined
  const { provider, gpu } = loaded.config.engine
  const request = gpu === undefined ? provider : (`cuda:${gpu}` as const)
  const device = needsWeights ? await resolveProvider(request, { signal }) : undefined
  const composition =
    compositions === undefined
      ? await readCompositionWarnings(store)
      : await compositionAlarms(
          cells.filter(({ kind }) => kind !== 'causal'),
          compositions,
          baselineVariant(loaded),
        )
  const plan = [
    ...repeatedQuestions(sets),
    ...(needsWeights ? await trainedQuestions(cells, sets, loaded) : []),
    ...sampledOnce(loaded.config),
    ...unwatched(loaded.config),
  ]
  return {
    cells,
    sets,
    compositions,
    device,
    composition: distinctWarnings([...composition, ...plan]),
    warnings: [
      ...notes.map((message): RunWarning => ({ code: 'not-evaluated', message, cells: [] })),
      ...(await cellsLeftOut(store, cells)),
      ...leftOutWarnings(sets),
      ...deviceWarnings(device),
      ...precisionWarnings(precision),
      ...distinctWarnings([...composition, ...plan]),
    ],
    ...(await finishedUnits(store, loaded.resultsFolder)),
  }
}

/** What was imported has no composition to run and no judge to ask. */
async function refuseImported(store: RunStore): Promise<void> {
  if ((await readLock(store))?.imported === undefined) return
  throw new CemError({
    code: 'run-imported',
    message: `The run in ${store.folder} was imported: its models and judge are not known, so nothing can be computed for it. Give this run another name.`,
    data: { folder: store.folder },
  })
}

async function lockedCells(store: RunStore): Promise<{ cells: Cell[]; notes: string[] }> {
  const lock = await readLock(store)
  if (lock === undefined)
    throw new CemError({
      code: 'run-unknown',
      message: `There is no run in ${store.folder}: generate its answers first (phase generate).`,
      data: { folder: store.folder },
    })
  return { cells: Object.values(lock.cells).map(({ cell }) => cell), notes: [] }
}

async function finishedUnits(
  store: RunStore,
  resultsFolder: string,
): Promise<Pick<PreparedRun, 'done' | 'removed'>> {
  const events = await store.events()
  const done = doneUnits(events)
  const files = filesOfUnits(events)
  const isGone = (unit: string) =>
    files.get(unit)?.some((file) => !existsSync(join(resultsFolder, file))) === true
  const removed = [...done].filter(isGone)
  for (const unit of removed) done.delete(unit)
  return { done, removed }
}

/** What an earlier process of the run computed stays in its files and is no part of what is analysed now. */
async function cellsLeftOut(store: RunStore, cells: readonly Cell[]): Promise<RunWarning[]> {
  const planned = new Set(cells.map(({ id }) => id))
  const locked = Object.keys((await readLock(store))?.cells ?? {})
  const leftOut = locked.filter((id) => !planned.has(id))
  if (leftOut.length === 0) return []
  return [
    {
      code: 'cells-left-out',
      message: `${leftOut.length} cells of this run are not in the plan any more and are left out of its analysis: ${leftOut.slice(0, 8).join(', ')}.`,
      cells: leftOut,
    },
  ]
}

function leftOutWarnings(sets: readonly QuestionSet[]): RunWarning[] {
  return sets
    .filter((set) => set.leftOut.length > 0)
    .map((set) => ({
      code: 'questions-left-out',
      message: `${set.leftOut.length} questions are format variants and are left out: ${set.leftOut.slice(0, 8).join(', ')}. Set questions.includeFormatVariants to ask them.`,
      cells: [],
    }))
}

/** Drift of the judge and orders in answers show in rows of known quality; without them nobody sees either. */
function unwatched({ judge }: ExperimentConfig): RunWarning[] {
  const missing = (['canaries', 'anchors'] as const).filter((name) => !judge[name])
  if (missing.length === 0) return []
  return [
    {
      code: 'judge-unwatched',
      message: `The judge is asked without ${missing.join(' and ')} (judge.${missing.join(', judge.')}: false): ${missing.map((name) => ({ canaries: 'whether it obeys what answers tell it', anchors: 'whether it drifts' })[name]).join(' and ')} is not looked at.`,
      cells: [],
    },
  ]
}

/** At temperature 0 there is nothing to sample: further answers are copies. */
function sampledOnce({ sampling }: ExperimentConfig): RunWarning[] {
  if (sampling.temperature > 0 || sampling.samplesPerQuestion === 1) return []
  return [
    {
      code: 'samples-repeat',
      message:
        'The temperature is 0: all answers of a model to one wording are the same answer, and more samples are copies of it. Intervals go by questions and are not fooled; set samplesPerQuestion to 1, or sample at the temperature that the question is about.',
      cells: [],
    },
  ]
}

function deviceWarnings(device: Device | undefined): RunWarning[] {
  if (device?.kind !== 'software') return []
  const message = `The provider ${device.provider} runs on ${device.name}, which computes on the processor: right, and many times slower than provider cpu.`
  return [{ code: 'software-device', message, cells: [] }]
}

function precisionWarnings(precision: Precision): RunWarning[] {
  if (precision === 'f32') return []
  const message = `The weights are rounded to 8 bits (precision: ${precision}). Answers and activations differ from those in 32-bit floats, by as much as the drift says that is measured before each cell; compare them with nothing but results in ${precision}.`
  return [{ code: 'reduced-precision', message, cells: [] }]
}

/** Forgets what depends on something that moved; the old records are kept beside. */
export async function resetDrifted(
  store: RunStore,
  drifts: readonly Drift[],
  { cells, done }: Pick<PreparedRun, 'cells' | 'done'>,
): Promise<void> {
  for (const drift of drifts)
    for (const cell of cells) {
      if (drift.cell !== undefined && drift.cell !== cell.id) continue
      const units = [unitId('judge', cell.id)]
      if (drift.phase === 'generate') {
        units.push(unitId('generate', cell.id))
        await store.supersede(cell.id, 'completions')
        await store.supersede(cell.id, 'activations.rows')
      }
      await store.supersede(cell.id, 'judged.json')
      for (const unit of units) {
        done.delete(unit)
        await store.record({ type: 'unit-reset', unit, reason: `${drift.part} changed` })
      }
    }
  if (drifts.length > 0) done.delete(analyseUnit)
}
