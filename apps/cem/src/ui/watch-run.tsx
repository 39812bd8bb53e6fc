import type { StoredEvent } from '@cem/experiment'
import { emptyView, foldEvent } from '../run-view.ts'
import type { Thresholds } from './data/answers.ts'
import { renderScreen } from './render-screen.ts'
import { RunApp } from './run-app.tsx'
import type { Theme } from './theme.ts'
import { createViewStore } from './view-store.ts'

export interface WatchRunOptions {
  readonly events: AsyncIterable<StoredEvent>
  readonly stop: AbortController
  readonly theme: Theme
  /** The run's own, where it has an analysis. */
  readonly thresholds: Thresholds
}

/** Shows a run of another process until the user quits; the run goes on. */
export async function watchRun({
  events,
  stop,
  theme,
  thresholds,
}: WatchRunOptions): Promise<void> {
  const store = createViewStore(emptyView)
  const app = renderScreen(
    <RunApp
      store={store}
      theme={theme}
      isOwn={false}
      thresholds={thresholds}
      controls={{ quit: () => stop.abort() }}
    />,
  )
  try {
    for await (const event of events)
      store.set(foldEvent(store.latest(), event, Date.parse(event.time)))
  } finally {
    app.unmount()
    await app.waitUntilExit()
  }
}
