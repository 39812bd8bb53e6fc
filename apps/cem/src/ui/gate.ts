/** Holds a run while it is paused. */
export interface Gate {
  readonly set: (isPaused: boolean) => void
  /** Resolves at once, or when the pause ends. */
  readonly wait: () => Promise<void>
}

export function createGate(signal: AbortSignal): Gate {
  const state = { isPaused: false }
  let waiting: (() => void)[] = []
  const release = () => {
    const all = waiting
    waiting = []
    for (const resolve of all) resolve()
  }
  signal.addEventListener('abort', release, { once: true })
  return {
    set: (paused) => {
      state.isPaused = paused
      if (!paused) release()
    },
    wait: async () => {
      while (state.isPaused && !signal.aborted)
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
        })
    },
  }
}
