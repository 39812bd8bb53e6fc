import type { Cell, CellMetrics, JudgeCounters, RunEvent, RunWarning } from '@cem/experiment'

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
}

export interface CellView {
  readonly cell: Cell
  readonly generate: UnitView
  readonly judge: UnitView
  readonly metrics: CellMetrics | null
  readonly isCollapsed: boolean
  readonly failure: string | null
}

/** All that a UI shows of a run, folded from its events. */
export interface RunView {
  readonly run: string
  readonly storeFolder: string
  readonly cells: ReadonlyMap<string, CellView>
  /** Cells that are generated and judged now. */
  readonly generating: string | null
  readonly judging: string | null
  readonly isAnalysing: boolean
  readonly judge: JudgeCounters | null
  readonly warnings: readonly RunWarning[]
  readonly failures: readonly { readonly unit: string; readonly message: string }[]
  readonly startedAt: number | null
  /** Units that this reader saw end, with the time that they took. */
  readonly ended: readonly { readonly phase: string; readonly durationInMs: number }[]
  readonly outcome: 'complete' | 'incomplete' | 'failed' | 'stopped' | null
  readonly files: readonly string[]
}

export const emptyView: RunView = {
  run: '',
  storeFolder: '',
  cells: new Map(),
  generating: null,
  judging: null,
  isAnalysing: false,
  judge: null,
  warnings: [],
  failures: [],
  startedAt: null,
  ended: [],
  outcome: null,
  files: [],
}

const waiting: UnitView = {
  state: 'waiting',
  done: 0,
  total: 0,
  startedAt: null,
  doneAtStart: 0,
  tokensPerSecond: null,
}

/** One event into the view. Pure: the same events give the same view. */
export function foldEvent(view: RunView, event: RunEvent, now: number): RunView {
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
      return progressUnit(view, event)
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
        outcome: event.outcome,
        files: event.files,
        generating: null,
        judging: null,
        isAnalysing: false,
      }
    case 'judge-progress':
      return { ...view, judge: event.counters }
    case 'judging-start':
    case 'judge-canaries':
    case 'judge-anchors':
    case 'judge-cost':
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

function begin(view: RunView, event: EventOf<'run-start'>, now: number): RunView {
  const done = new Set(event.done)
  const unit = (id: string): UnitView => (done.has(id) ? { ...waiting, state: 'done' } : waiting)
  const cells = event.cells.map((cell): [string, CellView] => [
    cell.id,
    {
      cell,
      generate: unit(`generate:${cell.id}`),
      judge: unit(`judge:${cell.id}`),
      metrics: view.cells.get(cell.id)?.metrics ?? null,
      isCollapsed: false,
      failure: null,
    },
  ])
  return {
    ...emptyView,
    run: event.run,
    storeFolder: event.storeFolder,
    cells: new Map(cells),
    startedAt: now,
  }
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
  }))
  return { ...started, ...current(unit, true) }
}

function progressUnit(view: RunView, event: EventOf<'unit-progress'>): RunView {
  const { unit, done, total, tokensPerSecond, judge } = event
  const changed = changeUnit(view, unit, (before) => ({
    ...before,
    state: 'running',
    done,
    total,
    tokensPerSecond: tokensPerSecond ?? before.tokensPerSecond,
  }))
  return { ...changed, ...current(unit, true), judge: judge ?? view.judge }
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
  return { ...changed, ...current(unit, false), ended: [...view.ended, { phase, durationInMs }] }
}

function failUnit(view: RunView, { unit, message }: EventOf<'unit-failed'>): RunView {
  const changed = changeUnit(view, unit, (before) => ({ ...before, state: 'failed' }))
  const cell = cellOf(unit)
  const failed =
    cell === null ? changed : changeCell(changed, cell, (c) => ({ ...c, failure: message }))
  return { ...failed, ...current(unit, false), failures: [...view.failures, { unit, message }] }
}

function current(unit: string, isRunning: boolean): Partial<RunView> {
  const cell = isRunning ? cellOf(unit) : null
  if (unit.startsWith('generate:')) return { generating: cell }
  if (unit.startsWith('judge:')) return { judging: cell }
  return { isAnalysing: isRunning }
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
