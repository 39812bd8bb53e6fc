import type { RunView } from '../run-view.ts'

/** The run's view between the events that change it and the screen that shows it, redrawn at the screen's pace. */
export interface ViewStore {
  readonly get: () => RunView
  readonly set: (view: RunView) => void
  readonly subscribe: (listener: () => void) => () => void
}

export function createViewStore(initial: RunView): ViewStore {
  let view = initial
  const listeners = new Set<() => void>()
  return {
    get: () => view,
    set: (next) => {
      view = next
      for (const listener of listeners) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
