import { judgeRates } from './judge-view.ts'
import { type CellView, type RunView, runningCells, type UnitView } from './run-view.ts'

/** Answers of a batch end in bursts: the first few of a unit tell no rate, unless the wait for them was long. */
const toldShare = 0.02
const toldAfterMs = 30_000

/** Milliseconds that a unit still needs at its own rate so far; null while that cannot be told. */
export function unitTimeLeft(unit: UnitView, now: number): number | null {
  if (unit.state !== 'running' || unit.startedAt === null) return null
  const nNew = unit.done - unit.doneAtStart
  const elapsed = now - unit.startedAt
  if (nNew <= 0 || elapsed < 500) return null
  if (nNew < toldShare * (unit.total - unit.doneAtStart) && elapsed < toldAfterMs) return null
  return ((unit.total - unit.done) * elapsed) / nNew
}

/** What a run still needs, in milliseconds. */
export interface TimeLeft {
  /** The units that wait at the mean time of those that ended here, and the rest of the running ones. */
  readonly generating: number | null
  /** The answers that wait at the rate of the last minute; null before that is known. */
  readonly judging: number | null
  /** Of both: the longer one where they go on side by side, else their sum; null where nothing is known. */
  readonly total: number | null
  /** Whether a part of the work is not in the total, since nothing is known of its speed yet. */
  readonly isPartial: boolean
}

export function runTimeLeft(view: RunView, now: number): TimeLeft {
  const cells = [...view.cells.values()]
  const generating = generatingLeft(view, cells, now)
  const judging = judgingLeft(view, cells, now)
  const toGenerate = cells.some(({ generate }) => isOpen(generate))
  const toJudge = cells.some(({ judge }) => isOpen(judge))
  const isBeside = toGenerate && cells.some(({ judge }) => judge.state !== 'waiting')
  const known = [generating, judging].filter((left) => left !== null)
  return {
    generating,
    judging,
    total:
      known.length === 0
        ? null
        : isBeside
          ? Math.max(...known)
          : known.reduce((sum, left) => sum + left, 0),
    isPartial: (toGenerate && generating === null) || (toJudge && judging === null),
  }
}

function isOpen({ state }: UnitView): boolean {
  return state === 'waiting' || state === 'running'
}

function generatingLeft(view: RunView, cells: readonly CellView[], now: number): number | null {
  if (!cells.some(({ generate }) => isOpen(generate))) return 0
  const ended = view.ended['generate']
  const mean = ended === undefined || ended.n === 0 ? null : ended.durationInMs / ended.n
  const running = runningCells(view, 'generate')
  const own = running.map(({ generate }) => unitTimeLeft(generate, now) ?? mean)
  const nWaiting = cells.filter(({ generate }) => generate.state === 'waiting').length
  if (own.includes(null) || (nWaiting > 0 && mean === null)) return null
  const longest = Math.max(0, ...own.map((left) => left ?? 0))
  // Processes that share a run take the waiting units between them.
  return longest + (nWaiting * (mean ?? 0)) / Math.max(1, running.length)
}

function judgingLeft(view: RunView, cells: readonly CellView[], now: number): number | null {
  const open = cells.filter(({ judge }) => isOpen(judge))
  if (open.length === 0) return 0
  const { rowsPerMs } = judgeRates(view.judge, now)
  if (rowsPerMs === null || rowsPerMs === 0) return null
  // A cell that was not begun has as many answers as the largest that was.
  const usual = Math.max(
    0,
    ...cells.map(({ judge, generate }) => Math.max(judge.total, generate.total)),
  )
  const rows = open.reduce(
    (sum, { judge, generate }) => sum + (judge.total || generate.total || usual) - judge.done,
    0,
  )
  return rows / rowsPerMs
}
