import type { RunView, UnitView } from './run-view.ts'

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

/**
 * Milliseconds that the generation still needs: the units that wait at the mean time of those that ended here, and the rest of
 * the running one. Judging goes on beside it.
 */
export function runTimeLeft(view: RunView, now: number): number | null {
  const ended = view.ended.filter(({ phase }) => phase === 'generate')
  const running = view.generating === null ? undefined : view.cells.get(view.generating)?.generate
  const own = running === undefined ? 0 : unitTimeLeft(running, now)
  const nWaiting = [...view.cells.values()].filter((c) => c.generate.state === 'waiting').length
  if (ended.length === 0) return nWaiting === 0 ? own : null
  const mean = ended.reduce((sum, { durationInMs }) => sum + durationInMs, 0) / ended.length
  return nWaiting * mean + (own ?? mean)
}
