import type { RunEvent } from '@cem/experiment'

/** Knows when the units that ran when a stop was asked for have all ended. */
export interface UnitStop {
  /** null: no stop is wanted any more. */
  readonly ask: (runningUnits: readonly string[] | null) => void
  /** Takes an event; true: all have ended, and the run is to stop. */
  readonly isDue: (event: RunEvent) => boolean
}

export function createUnitStop(): UnitStop {
  let awaited: Set<string> | null = null
  return {
    ask: (running) => {
      awaited = running === null || running.length === 0 ? null : new Set(running)
    },
    isDue: (event) => {
      if (awaited === null || (event.type !== 'unit-end' && event.type !== 'unit-failed'))
        return false
      awaited.delete(event.unit)
      // A judge that cannot be used ends every unit that waits for it.
      if (event.unit === 'judge')
        for (const unit of awaited) if (unit.startsWith('judge:')) awaited.delete(unit)
      if (awaited.size > 0) return false
      awaited = null
      return true
    },
  }
}
