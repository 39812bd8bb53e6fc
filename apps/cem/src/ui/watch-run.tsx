import type { StoredEvent } from '@cem/experiment'
import { render } from 'ink'
import { emptyView, foldEvent } from '../run-view.ts'
import { RunApp } from './run-app.tsx'
import { createViewStore } from './view-store.ts'

/** Shows a run of another process until the user quits; the run goes on. */
export async function watchRun(
  events: AsyncIterable<StoredEvent>,
  stop: AbortController,
): Promise<void> {
  const store = createViewStore(emptyView)
  const app = render(<RunApp store={store} onQuit={() => stop.abort()} />, {
    alternateScreen: true,
    incrementalRendering: true,
    maxFps: 15,
    exitOnCtrlC: false,
  })
  try {
    for await (const event of events)
      store.set(foldEvent(store.latest(), event, Date.parse(event.time)))
  } finally {
    app.unmount()
    await app.waitUntilExit()
  }
}
