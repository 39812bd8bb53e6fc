import { readFile } from 'node:fs/promises'
import { type Analysis, RunStore, type StoredEvent } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { plainLines } from '../plain/plain-lines.ts'
import { runFolder } from '../run-folder.ts'
import { emptyView, foldEvent } from '../run-view.ts'
import { tailEvents } from '../tail-events.ts'
import { themeOf, wantsScreen } from '../terminal-kind.ts'
import { abortOnSignals } from './abort-on-signals.ts'

export interface WatchFlags {
  readonly results: string
  readonly plain?: boolean
  readonly json?: boolean
  readonly theme?: string
}

/** `cem watch RUN`: shows a run through its folder, and never writes there. */
export async function watchCommand(run: string, flags: WatchFlags): Promise<number> {
  const { resultsFolder, run: name } = runFolder(run, flags.results)
  const store = new RunStore(resultsFolder, name)
  if (wantsScreen(flags)) {
    const stop = new AbortController()
    const { watchRun } = await import('../ui/watch-run.tsx')
    const events = single(tailEvents(store.folder, { signal: stop.signal }))
    await watchRun({
      events,
      stop,
      theme: await themeOf(flags.theme),
      thresholds: await thresholdsOf(store),
    })
    return exitCodes.complete
  }
  using signals = abortOnSignals()
  return watchPlain(store, signals.signal, flags.json === true)
}

/** In a pipe the end of the run is the end: a later process may go on with it, and then it can be watched anew. */
async function watchPlain(store: RunStore, signal: AbortSignal, isJson: boolean): Promise<number> {
  const lines = plainLines()
  let view = emptyView
  for await (const events of tailEvents(store.folder, { signal })) {
    if (events.length === 0 && view.outcome !== null) return exitCodes[view.outcome]
    for (const event of events) {
      const time = Date.parse(event.time)
      view = foldEvent(view, event, time)
      if (isJson) process.stdout.write(`${JSON.stringify(event)}\n`)
      else
        for (const line of lines(event, view, time)) process.stdout.write(`${event.time} ${line}\n`)
    }
  }
  return view.outcome === null ? exitCodes.complete : exitCodes[view.outcome]
}

async function* single(
  batches: AsyncIterable<readonly StoredEvent[]>,
): AsyncGenerator<StoredEvent, void> {
  for await (const events of batches) yield* events
}

async function thresholdsOf({ analysisFile }: RunStore): Promise<Analysis['thresholds']> {
  const { usualThresholds } = await import('../ui/data/answers.ts')
  try {
    return (JSON.parse(await readFile(analysisFile, 'utf8')) as Analysis).thresholds
  } catch {
    return usualThresholds
  }
}
