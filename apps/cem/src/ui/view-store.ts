import type { RunView } from '../run-view.ts'

/** The run's view between the events that change it and the screen that shows it, redrawn at the screen's pace. */
export interface ViewStore {
  /** With every event so far. */
  readonly latest: () => RunView
  /** What the screen shows: the latest view at the last redraw. */
  readonly shown: () => RunView
  readonly set: (view: RunView) => void
  readonly subscribe: (listener: () => void) => () => void
}

/**
 * @param redrawInMs shortest time between redraws. A run has thousands of events a second, and drawing each would take the processor
 *   from the run.
 */
export function createViewStore(initial: RunView, redrawInMs = 100): ViewStore {
  let latest = initial
  let shown = initial
  let timer: NodeJS.Timeout | undefined
  const listeners = new Set<() => void>()
  const redraw = () => {
    timer = undefined
    shown = latest
    for (const listener of listeners) listener()
  }
  return {
    latest: () => latest,
    shown: () => shown,
    set: (next) => {
      latest = next
      if (redrawInMs === 0) redraw()
      else if (timer === undefined) timer = setTimeout(redraw, redrawInMs).unref()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
