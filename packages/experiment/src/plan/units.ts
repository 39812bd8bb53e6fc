import type { Phase, StoredEvent, Unit } from '../events.ts'
import type { Cell } from './cell.ts'

export interface Shard {
  /** From 1. */
  readonly index: number
  readonly count: number
}

export const analyseUnit = 'analyse'

/** The name of a unit in events, such as `judge:plain/10`. */
export function unitId(phase: Exclude<Phase, 'analyse'>, cell: string): string {
  return `${phase}:${cell}`
}

/** The units of a plan, in the order in which they are worked on. */
export function unitsOf(cells: readonly Cell[]): Unit[] {
  const phases = ['generate', 'judge'] as const
  return [
    ...phases.flatMap((phase) =>
      cells.map((cell) => ({ id: unitId(phase, cell.id), phase, cell: cell.id })),
    ),
    { id: analyseUnit, phase: 'analyse', cell: null },
  ]
}

/**
 * The cells of one shard: whole variants, dealt out in turn, so that a shard loads as few different models as it can.
 */
export function shardCells(cells: readonly Cell[], shard: Shard | undefined): readonly Cell[] {
  if (shard === undefined) return cells
  const variants = [...new Set(cells.map((cell) => cell.variant))]
  const own = new Set(variants.filter((_, i) => i % shard.count === shard.index - 1))
  return cells.filter((cell) => own.has(cell.variant))
}

/** Units that the stored events say are done: ended, with nothing left to ask again, and not reset since. */
export function doneUnits(events: readonly StoredEvent[]): Set<string> {
  const done = new Set<string>()
  for (const event of events) {
    if (event.type === 'unit-end' && event.retryable === 0) done.add(event.unit)
    else if (event.type === 'unit-reset' || event.type === 'unit-end') done.delete(event.unit)
  }
  return done
}

/** The files that each unit wrote, by its last end. */
export function filesOfUnits(events: readonly StoredEvent[]): Map<string, readonly string[]> {
  const files = new Map<string, readonly string[]>()
  for (const event of events) if (event.type === 'unit-end') files.set(event.unit, event.files)
  return files
}
