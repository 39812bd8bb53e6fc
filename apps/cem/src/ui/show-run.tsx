import { type RunOptions, runExperiment } from '@cem/experiment'
import { render } from 'ink'
import { emptyView, foldEvent, type RunView } from '../run-view.ts'
import { RunApp } from './run-app.tsx'
import { createViewStore } from './view-store.ts'

/** Runs the experiment under the live UI; resolves when the run has ended and the screen is back. */
export async function showRun(options: RunOptions, stop: AbortController): Promise<RunView> {
  const store = createViewStore(emptyView)
  const gate = createGate(stop.signal)
  const app = render(
    <RunApp
      store={store}
      onQuit={() => {
        stop.abort(new Error('stopped by the user'))
        gate.set(false)
      }}
      onPause={gate.set}
    />,
    { alternateScreen: true, incrementalRendering: true, maxFps: 15, exitOnCtrlC: false },
  )
  try {
    for await (const event of runExperiment({ ...options, gate: gate.wait }))
      store.set(foldEvent(store.latest(), event, Date.now()))
  } finally {
    app.unmount()
    await app.waitUntilExit()
  }
  return store.latest()
}

/** Holds the run while it is paused. */
function createGate(signal: AbortSignal) {
  const state = { isPaused: false }
  let wake: (() => void)[] = []
  const release = () => {
    const waiting = wake
    wake = []
    for (const resolve of waiting) resolve()
  }
  signal.addEventListener('abort', release, { once: true })
  return {
    set: (paused: boolean) => {
      state.isPaused = paused
      if (!paused) release()
    },
    wait: async () => {
      while (state.isPaused && !signal.aborted)
        await new Promise<void>((resolve) => {
          wake.push(resolve)
        })
    },
  }
}
