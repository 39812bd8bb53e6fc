import { type RunOptions, runExperiment } from '@cem/experiment'
import { emptyView, foldEvent, type RunView, runningUnits } from '../run-view.ts'
import { createGate } from './gate.ts'
import { renderScreen } from './render-screen.ts'
import { RunApp } from './run-app.tsx'
import type { Theme } from './theme.ts'
import { createUnitStop } from './unit-stop.ts'
import { createViewStore } from './view-store.ts'

/** How a run under the live UI ended. */
export interface ShownRun {
  readonly view: RunView
  /** Whether the user wants a process in the background to go on. */
  readonly isLeft: boolean
}

export interface ShowRunOptions {
  readonly run: RunOptions
  readonly stop: AbortController
  readonly theme: Theme
  /** False where no other process can go on with it. */
  readonly canLeave: boolean
}

/** Runs the experiment under the live UI; resolves when the run has ended and the screen is back. */
export async function showRun({ run, stop, theme, canLeave }: ShowRunOptions): Promise<ShownRun> {
  const store = createViewStore(emptyView)
  const gate = createGate(stop.signal)
  const unitStop = createUnitStop()
  const wanted = { retry: false, leave: false }
  const end = (reason: string) => {
    stop.abort(new Error(reason))
    gate.set(false)
  }
  const { config } = run.loaded
  const app = renderScreen(
    <RunApp
      store={store}
      theme={theme}
      limitUsd={config.judge.maxCostUsd ?? null}
      thresholds={config.thresholds}
      controls={{
        quit: () => end('stopped by the user'),
        pause: gate.set,
        stopAfterUnits: (isWanted) => unitStop.ask(isWanted ? runningUnits(store.latest()) : null),
        retryFailed: (isWanted) => {
          wanted.retry = isWanted
        },
        ...(canLeave
          ? {
              leaveRunning: () => {
                wanted.leave = true
                end('left to a process in the background')
              },
            }
          : {}),
      }}
    />,
  )
  try {
    let again = true
    while (again) {
      for await (const event of runExperiment({ ...run, gate: gate.wait })) {
        store.set(foldEvent(store.latest(), event, Date.now()))
        if (unitStop.isDue(event)) end('stopped after its units')
      }
      again = wanted.retry && store.latest().outcome === 'failed' && !stop.signal.aborted
      wanted.retry = false
    }
  } finally {
    app.unmount()
    await app.waitUntilExit()
  }
  const view = store.latest()
  return { view, isLeft: wanted.leave && view.outcome === 'stopped' }
}
