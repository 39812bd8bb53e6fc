import { CemError, messageOf } from '@cem/core'
import { alarmOfFailure } from '../alarms/failure-alarm.ts'
import type { Phase, RunEvent, RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { doneUnits, shardCells } from '../plan/units.ts'
import type { RunStore } from '../store/run-store.ts'
import type { RunContext } from './context.ts'
import { EventQueue } from './event-queue.ts'
import type { PreparedRun } from './prepare-run.ts'
import type { RunOptions } from './run-experiment.ts'

/** Errors after which nothing can go on: what comes next could not be stored either. */
const fatalCodes = new Set(['file-write-failed', 'store-damaged', 'run-drifted'])

/** Progress is stored this often, for a UI in another process. */
const storedProgressIntervalInMs = 2000

export interface UnitResult {
  readonly files: readonly string[]
  readonly total: number
  /** Judgements that the next run asks again. */
  readonly retryable: number
}

/** What a running process knows of its run: which units are done or failed, and how it stops. */
export class RunState {
  readonly options: RunOptions
  readonly store: RunStore
  readonly prepared: PreparedRun
  readonly phases: ReadonlySet<Phase>
  /** The cells of this process's shard. */
  readonly own: readonly Cell[]
  readonly queue = new EventQueue<RunEvent>()
  readonly abort = new AbortController()
  /** Units that failed in this process, with the message. */
  readonly failed = new Map<string, string>()
  /** What this process has warned of. */
  readonly warnings: RunWarning[] = []
  /** Whether this process has asked a judge. */
  hasJudged = false
  readonly #lastStored = new Map<string, number>()

  constructor(
    options: RunOptions,
    store: RunStore,
    prepared: PreparedRun,
    phases: readonly Phase[],
  ) {
    this.options = options
    this.store = store
    this.prepared = prepared
    this.phases = new Set(phases)
    this.own = shardCells(prepared.cells, options.shard)
  }

  get signal(): AbortSignal {
    return this.abort.signal
  }

  /** Units that are done, by this process or another. */
  get done(): Set<string> {
    return this.prepared.done
  }

  get context(): RunContext {
    const { cells, sets } = this.prepared
    return {
      loaded: this.options.loaded,
      store: this.store,
      cells,
      sets,
      record: (event) => this.record(event),
      report: (event) => this.report(event),
      gate: this.options.gate ?? (async () => undefined),
      signal: this.signal,
    }
  }

  /**
   * Does a unit's work and records how it ended.
   *
   * @param start when it began, by `performance.now()`, where a part of it is done already
   */
  async perform(
    unit: string,
    work: () => Promise<UnitResult>,
    start = performance.now(),
  ): Promise<void> {
    try {
      const { files, total, retryable } = await work()
      const durationInMs = performance.now() - start
      await this.record({ type: 'unit-end', unit, total, durationInMs, files, retryable })
      if (retryable === 0) this.done.add(unit)
      else this.failed.set(unit, `${retryable} judgements failed for a passing reason`)
    } catch (error) {
      if (this.signal.aborted) throw error
      if (isFatal(error)) {
        this.abort.abort(error)
        throw error
      }
      await this.fail(unit, error)
    }
  }

  async fail(unit: string, error: unknown): Promise<void> {
    this.failed.set(unit, messageOf(error))
    const code = codeOf(error)
    await this.record({ type: 'unit-failed', unit, code, message: messageOf(error) })
    const alarm = alarmOfFailure(unit, error)
    if (alarm !== undefined) await this.record({ type: 'warning', warning: alarm })
  }

  /** Takes note of units that other processes have finished. */
  async refresh(): Promise<void> {
    for (const unit of doneUnits(await this.store.events())) this.done.add(unit)
  }

  /** Stores an event, and then hands it to the reader. */
  async record(event: RunEvent): Promise<void> {
    await this.store.record(event)
    if (event.type === 'warning') this.warnings.push(event.warning)
    this.queue.push(event)
  }

  /** Hands progress to the reader, and stores some of it. */
  report(event: RunEvent): void {
    this.queue.push(event)
    if (event.type !== 'unit-progress') return
    const now = performance.now()
    // By phase: cells that are judged interleaved go on side by side, and each record is a write to the disk.
    const phase = event.unit.split(':')[0] ?? ''
    if (now - (this.#lastStored.get(phase) ?? 0) < storedProgressIntervalInMs) return
    this.#lastStored.set(phase, now)
    this.store.record(event).catch((error: unknown) => this.abort.abort(error))
  }
}

export function isFatal(error: unknown): boolean {
  return fatalCodes.has(codeOf(error))
}

export function codeOf(error: unknown): string {
  return CemError.isInstance(error) ? error.code : 'unexpected'
}
