import { alarmOfFailure } from '../alarms/failure-alarm.ts'
import { softwareAlarms } from '../alarms/software-changed.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Phase, RunEvent, RunWarning } from '../events.ts'
import { checkFrozen } from '../lock/check-frozen.ts'
import { filesOfUnits, type Shard, unitsOf } from '../plan/units.ts'
import { readAlarms, writeAlarms } from '../store/alarms-file.ts'
import { readLock } from '../store/lock.ts'
import { RunStore } from '../store/run-store.ts'
import { analyseRun } from './analyse-run.ts'
import { checkLock } from './build-lock.ts'
import { generateAll } from './generate-all.ts'
import { judgeAll } from './judge-all.ts'
import type { JudgeServers } from './judge-session.ts'
import { makeControls } from './make-controls.ts'
import { type PreparedRun, prepareRun, resetDrifted } from './prepare-run.ts'
import { storeAlarms } from './run-alarms.ts'
import { isFatal, RunState } from './run-state.ts'

export interface RunOptions {
  readonly loaded: LoadedConfig
  /** @default all of them */
  readonly phases?: readonly Phase[] | undefined
  /** Only a part of the variants, for several machines on one shared folder. */
  readonly shard?: Shard | undefined
  /** What to do when something that results depend on has changed since the run began. @default 'refuse' */
  readonly onDrift?: 'refuse' | 'restart' | undefined
  /**
   * Lock file of the study (`studyLockFile`, made by `lockStudy` or `cem lock`): the run begins only where everything is as it
   * says. @default none
   */
  readonly frozen?: string | undefined
  /** Judges that the program starts itself, by the name that the config calls them. */
  readonly judgeServers?: JudgeServers | undefined
  /** Where hashes and merged weights are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  /** Judging that is estimated to cost more than `judge.confirmAboveUsd` may begin. @default false */
  readonly costConfirmed?: boolean | undefined
  /** Draw the figures when the analysis is done. `plotRun` draws those of a run that is there. @default true */
  readonly figures?: boolean | undefined
  /** Write the report when the analysis is done. @default true */
  readonly report?: boolean | undefined
  /** Awaited before each answer is taken and each judgement begun: while it does not resolve, the run is paused. */
  readonly gate?: (() => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

const allPhases: readonly Phase[] = ['generate', 'judge', 'analyse']

/**
 * Runs an experiment, or what is left of it, and gives the events as they happen, ending with one `run-end`. Answers are
 * generated and judged side by side; every record is on disk before the next one is made, so a run that was stopped or killed
 * goes on where it was, here or on another machine.
 *
 * @throws CemError before anything runs, for a plan or file that is wrong (`config-invalid`, `run-drifted`, `lock-moved`, adapter
 *   and model errors), and when nothing can be stored (`file-write-failed`). Errors of single units are events (`unit-failed`) and the
 *   outcome of `run-end`.
 */
export async function* runExperiment(options: RunOptions): AsyncGenerator<RunEvent, void> {
  const { loaded, phases = allPhases, signal } = options
  const store = new RunStore(loaded.resultsFolder, loaded.name)
  let prepared: PreparedRun
  try {
    if (phases.includes('generate')) yield* makeControls(options, store)
    prepared = await prepareRun(options, store, phases)
    if (options.frozen !== undefined)
      await checkFrozen(options.frozen, { ...options, phases }, store, prepared)
  } catch (error) {
    const warning = alarmOfFailure(undefined, error)
    if (warning !== undefined) {
      yield await refuse(store, warning)
    }
    throw error
  }
  const state = new RunState(options, store, prepared, phases)
  const onAbort = () => state.abort.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  const work = workOn(state).finally(() => state.queue.close())
  // It is awaited below; until then a rejection must not count as unhandled.
  work.catch(() => undefined)
  try {
    yield* state.queue.read()
    await work
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // A reader that leaves early stops the work.
    state.abort.abort(new Error('the run was stopped'))
    await work.catch(() => undefined)
    await store.close()
  }
}

/** What is refused before it begins is in the store as well, for those who look there. */
async function refuse(store: RunStore, warning: RunWarning): Promise<RunEvent> {
  const event: RunEvent = { type: 'warning', warning }
  await store.record(event)
  await store.close()
  return event
}

async function workOn(state: RunState): Promise<void> {
  await start(state)
  const locked = lock(state)
  locked.catch(() => undefined)
  const results = await Promise.allSettled([generateAll(state, locked), judgeAll(state, locked)])
  await locked
  const rejected = results.find((result) => result.status === 'rejected')
  if (rejected !== undefined && (!state.signal.aborted || isFatal(rejected.reason)))
    throw rejected.reason
  if (!state.signal.aborted) await analyseRun(state)
  await end(state)
}

async function start(state: RunState): Promise<void> {
  const { cells, done, warnings, removed } = state.prepared
  const units = unitsOf(cells)
  await state.record({
    type: 'run-start',
    run: state.options.loaded.name,
    storeFolder: state.store.folder,
    cells,
    units,
    done: units.map(({ id }) => id).filter((id) => done.has(id)),
  })
  for (const unit of removed)
    await state.record({ type: 'unit-reset', unit, reason: 'files that it had written are gone' })
  for (const warning of warnings) await state.record({ type: 'warning', warning })
  const { alarms = null } = (await readAlarms(state.store)) ?? {}
  await writeAlarms(state.store, { alarms, composition: state.prepared.composition })
  // Numbers of cells that are done already, for the reader alone.
  const metrics = new Map<string, RunEvent>()
  for (const event of await state.store.events())
    if (event.type === 'cell-metrics') metrics.set(event.cell, event)
  for (const event of metrics.values()) state.queue.push(event)
}

/** Holds the run against its lock. The weights are hashed here, while the first model loads. */
async function lock(state: RunState): Promise<void> {
  const { loaded, onDrift = 'refuse' } = state.options
  const { cells, sets, compositions, device } = state.prepared
  try {
    const isAdding = unitsOf(cells).some(
      ({ id, phase }) => phase !== 'analyse' && state.phases.has(phase) && !state.done.has(id),
    )
    const input = { loaded, store: state.store, cells, sets, compositions, device, isAdding }
    await resetDrifted(state.store, await checkLock(input, onDrift), state.prepared)
    for (const warning of softwareAlarms(await readLock(state.store)))
      await state.record({ type: 'warning', warning })
  } catch (error) {
    state.abort.abort(error)
    throw error
  }
}

async function end(state: RunState): Promise<void> {
  const { done, failed, phases, own, prepared, options, store } = state
  const mine = new Set(own.map((cell) => cell.id))
  const isMine = (cell: string | null) =>
    cell === null ? options.shard === undefined : mine.has(cell)
  const remaining = unitsOf(prepared.cells).filter(
    ({ id, phase, cell }) => phases.has(phase) && !done.has(id) && isMine(cell),
  ).length
  const outcome = state.signal.aborted
    ? 'stopped'
    : failed.size > 0
      ? 'failed'
      : remaining > 0
        ? 'incomplete'
        : 'complete'
  const files = [...filesOfUnits(await store.events()).values()].flat()
  const alarms = await storeAlarms(state)
  await state.record({ type: 'run-end', outcome, files: [...new Set(files)], remaining, alarms })
}
