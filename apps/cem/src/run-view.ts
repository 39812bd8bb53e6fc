import type { Cell, CellMetrics, RunEvent, RunWarning } from '@cem/experiment'
import {
  countCalls,
  emptyJudge,
  type JudgeView,
  type JudgingAt,
  startJudging,
  takeCost,
  tickJudge,
} from './judge-view.ts'

export type UnitState = 'waiting' | 'running' | 'done' | 'failed'

export interface UnitView {
  readonly state: UnitState
  readonly done: number
  readonly total: number
  /** When it began, by the reader's clock. */
  readonly startedAt: number | null
  /** How many were done when it began, so that a rate counts new ones only. */
  readonly doneAtStart: number
  readonly tokensPerSecond: number | null
  /** When it was last heard of. */
  readonly lastAt: number
}

export interface CellView {
  readonly cell: Cell
  readonly generate: UnitView
  readonly judge: UnitView
  readonly metrics: CellMetrics | null
  readonly isCollapsed: boolean
  readonly failure: string | null
}

/** All that a UI shows of a run, folded from its events. Its size goes with the cells, not with the events. */
export interface RunView {
  readonly run: string
  readonly storeFolder: string
  readonly cells: ReadonlyMap<string, CellView>
  readonly isAnalysing: boolean
  readonly judge: JudgeView
  /** The newest of each kind, alarms among them. */
  readonly warnings: readonly RunWarning[]
  /** Of units that have not begun again since. */
  readonly failures: readonly Failure[]
  readonly startedAt: number | null
  /** Time of the last event. */
  readonly lastAt: number | null
  /** Units that this reader saw end, by phase. */
  readonly ended: Readonly<Record<string, EndedUnits>>
  readonly outcome: 'complete' | 'incomplete' | 'failed' | 'stopped' | null
  readonly remaining: number
  readonly files: readonly string[]
  /** Every alarm of the run, as its end tells them; null before. */
  readonly alarms: readonly RunWarning[] | null
}

export interface Failure {
  readonly unit: string
  readonly message: string
}

export interface EndedUnits {
  readonly n: number
  readonly durationInMs: number
}

export const emptyView: RunView = {
  run: '',
  storeFolder: '',
  cells: new Map(),
  isAnalysing: false,
  judge: emptyJudge,
  warnings: [],
  failures: [],
  startedAt: null,
  lastAt: null,
  ended: {},
  outcome: null,
  remaining: 0,
  files: [],
  alarms: null,
}

const waiting: UnitView = {
  state: 'waiting',
  done: 0,
  total: 0,
  startedAt: null,
  doneAtStart: 0,
  tokensPerSecond: null,
  lastAt: 0,
}

export type CellPhase = 'generate' | 'judge'

/** The cells that a phase runs on now; several where processes share a run, or where cells are judged interleaved. */
export function runningCells(view: RunView, phase: CellPhase): readonly CellView[] {
  return [...view.cells.values()].filter((cell) => cell[phase].state === 'running')
}

/** The units that run now. */
export function runningUnits(view: RunView): string[] {
  return (['generate', 'judge'] as const).flatMap((phase) =>
    runningCells(view, phase).map(({ cell }) => `${phase}:${cell.id}`),
  )
}

/** One event into the view. Pure: the same events give the same view. */
export function foldEvent(view: RunView, event: RunEvent, now: number): RunView {
  return { ...fold(view, event, now), lastAt: now }
}

function fold(view: RunView, event: RunEvent, now: number): RunView {
  switch (event.type) {
    case 'run-start':
      return begin(view, event, now)
    case 'warning':
      return {
        ...view,
        warnings: addWarning(view.warnings, event.warning),
        cells: flag(view, event.warning),
      }
    case 'unit-start':
      return startUnit(view, event, now)
    case 'unit-progress':
      return progressUnit(view, event, now)
    case 'unit-end':
      return endUnit(view, event)
    case 'unit-failed':
      return failUnit(view, event)
    case 'unit-reset':
      return changeUnit(view, event.unit, () => waiting)
    case 'cell-metrics':
      return changeCell(view, event.cell, (cell) => ({ ...cell, metrics: event.metrics }))
    case 'run-end':
      return {
        ...view,
        cells: new Map([...view.cells].map(([id, cell]) => [id, halted(cell)])),
        outcome: event.outcome,
        remaining: event.remaining,
        judge: {
          ...view.judge,
          busySince: null,
          counters: { ...view.judge.counters, inFlight: 0 },
        },
        files: event.files,
        alarms: event.alarms ?? null,
        isAnalysing: false,
      }
    case 'judge-progress': {
      const at = judgingAt(view, now)
      return { ...view, judge: countCalls(view.judge, event.judge, event.counters, at) }
    }
    case 'judging-start':
      return { ...view, judge: startJudging(view.judge, event) }
    case 'judge-cost':
      return { ...view, judge: takeCost(view.judge, event) }
    case 'judge-canaries':
    case 'judge-anchors':
    case 'judge-agreement':
    case 'device':
    case 'self-test':
    case 'precision-drift':
    case 'statistics':
    case 'analysis-inputs':
      return view
  }
}

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>

/** A process that was heard of so recently still works on its units when another one joins the run. */
const freshInMs = 30_000

function begin(view: RunView, event: EventOf<'run-start'>, now: number): RunView {
  const done = new Set(event.done)
  const isFresh = (unit: UnitView | undefined) =>
    unit?.state === 'running' && now - unit.lastAt < freshInMs
  const others = view.run === event.run && view.outcome === null
  const isShared =
    others && [...view.cells.values()].some((c) => isFresh(c.generate) || isFresh(c.judge))
  const unit = (id: string, before: UnitView | undefined): UnitView => {
    if (done.has(id)) return { ...waiting, state: 'done' }
    return before !== undefined && isShared && isFresh(before) ? before : waiting
  }
  const cells = event.cells.map((cell): [string, CellView] => {
    const before = view.cells.get(cell.id)
    return [
      cell.id,
      {
        cell,
        generate: unit(`generate:${cell.id}`, before?.generate),
        judge: unit(`judge:${cell.id}`, before?.judge),
        metrics: before?.metrics ?? null,
        isCollapsed: false,
        failure: null,
      },
    ]
  })
  return {
    ...(isShared ? view : emptyView),
    run: event.run,
    storeFolder: event.storeFolder,
    cells: new Map(cells),
    startedAt: isShared ? view.startedAt : now,
    judge: isShared ? view.judge : { ...view.judge, samples: [], busySince: null },
  }
}

/** Nothing runs after the end: a unit that was cut off waits for the next process. */
function halted(cell: CellView): CellView {
  const stop = (unit: UnitView): UnitView =>
    unit.state === 'running' ? { ...unit, state: 'waiting' } : unit
  return { ...cell, generate: stop(cell.generate), judge: stop(cell.judge) }
}

function startUnit(
  view: RunView,
  { unit, total, done }: EventOf<'unit-start'>,
  now: number,
): RunView {
  const started = changeUnit(view, unit, () => ({
    state: 'running',
    done,
    total,
    startedAt: now,
    doneAtStart: done,
    tokensPerSecond: null,
    lastAt: now,
  }))
  const failures = view.failures.filter((failure) => failure.unit !== unit)
  const judge = tickJudge(view.judge, judgingAt(started, now))
  return { ...started, ...analysing(unit, true), failures, outcome: null, judge }
}

function progressUnit(view: RunView, event: EventOf<'unit-progress'>, now: number): RunView {
  const { unit, done, total, tokensPerSecond, judge } = event
  const changed = changeUnit(view, unit, (before) => ({
    ...before,
    state: 'running',
    done,
    total,
    startedAt: before.startedAt ?? now,
    tokensPerSecond: tokensPerSecond ?? before.tokensPerSecond,
    lastAt: now,
  }))
  if (judge === null) return { ...changed, outcome: null }
  const at = judgingAt(changed, now)
  return { ...changed, outcome: null, judge: countCalls(changed.judge, 'first', judge, at) }
}

function judgingAt({ cells }: RunView, now: number): JudgingAt {
  let rows = 0
  let isBusy = false
  for (const { judge } of cells.values()) {
    rows += judge.done
    isBusy ||= judge.state === 'running' && judge.done < judge.total
  }
  return { now, rows, isBusy }
}

function endUnit(
  view: RunView,
  { unit, total, durationInMs, retryable }: EventOf<'unit-end'>,
): RunView {
  const changed = changeUnit(view, unit, (before) => ({
    ...before,
    state: retryable === 0 ? 'done' : 'failed',
    done: total,
    total,
  }))
  const phase = unit.split(':')[0] as string
  const before = view.ended[phase] ?? { n: 0, durationInMs: 0 }
  const now = { n: before.n + 1, durationInMs: before.durationInMs + durationInMs }
  const others = view.failures.filter((failure) => failure.unit !== unit)
  const message = `${retryable} judgements failed for a passing reason, and will be asked again`
  return {
    ...changed,
    ...analysing(unit, false),
    ended: { ...view.ended, [phase]: now },
    failures: retryable === 0 ? others : [...others, { unit, message }],
  }
}

function failUnit(view: RunView, { unit, message }: EventOf<'unit-failed'>): RunView {
  const changed = changeUnit(view, unit, (before) => ({ ...before, state: 'failed' }))
  const cell = cellOf(unit)
  const failed =
    cell === null ? changed : changeCell(changed, cell, (c) => ({ ...c, failure: message }))
  const failures = view.failures.filter((failure) => failure.unit !== unit)
  return { ...failed, ...analysing(unit, false), failures: [...failures, { unit, message }] }
}

function analysing(unit: string, isRunning: boolean): Partial<RunView> {
  return unit === 'analyse' ? { isAnalysing: isRunning } : {}
}

function changeUnit(view: RunView, unit: string, change: (before: UnitView) => UnitView): RunView {
  const cell = cellOf(unit)
  if (cell === null) return view
  const phase = unit.startsWith('generate:') ? 'generate' : 'judge'
  return changeCell(view, cell, (before) => ({ ...before, [phase]: change(before[phase]) }))
}

function changeCell(view: RunView, id: string, change: (before: CellView) => CellView): RunView {
  const before = view.cells.get(id)
  if (before === undefined) return view
  return { ...view, cells: new Map(view.cells).set(id, change(before)) }
}

function cellOf(unit: string): string | null {
  const at = unit.indexOf(':')
  return at === -1 ? null : unit.slice(at + 1)
}

/** A run that goes on repeats what it warned of before: the newest of each kind counts. */
function addWarning(warnings: readonly RunWarning[], warning: RunWarning): RunWarning[] {
  const isSame = (w: RunWarning) =>
    w.code === warning.code && w.cells.join() === warning.cells.join()
  return [...warnings.filter((w) => !isSame(w)), warning]
}

function flag(view: RunView, warning: RunWarning): RunView['cells'] {
  if (warning.code !== 'collapsed') return view.cells
  const cells = new Map(view.cells)
  for (const id of warning.cells) {
    const cell = cells.get(id)
    if (cell !== undefined) cells.set(id, { ...cell, isCollapsed: true })
  }
  return cells
}
