import { setTimeout as sleep } from 'node:timers/promises'
import { RunStore, type StoredEvent } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { plainLines } from '../plain/plain-lines.ts'
import { runFolder } from '../run-folder.ts'
import { emptyView, foldEvent } from '../run-view.ts'

/** How often the run's folder is looked at. */
const pollIntervalInMs = 1000

/** `cem watch RUN`: shows a run through its folder, and never writes there. */
export async function watchCommand(
  run: string,
  { results, plain }: { readonly results: string; readonly plain?: boolean },
): Promise<number> {
  const { resultsFolder, run: name } = runFolder(run, results)
  const store = new RunStore(resultsFolder, name)
  const stop = new AbortController()
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY
  if (isTerminal && plain !== true) {
    const { watchRun } = await import('../ui/watch-run.tsx')
    await watchRun(newEvents(store, stop.signal), stop)
    return exitCodes.complete
  }
  process.once('SIGINT', () => stop.abort())
  const lines = plainLines()
  let view = emptyView
  for await (const event of newEvents(store, stop.signal)) {
    const time = Date.parse(event.time)
    view = foldEvent(view, event, time)
    for (const line of lines(event, view, time)) process.stdout.write(`${event.time} ${line}\n`)
    // A later process may go on with the run; in a pipe the end of this one is the end.
    if (event.type === 'run-end' && (await isLast(store, event))) return exitCodes.complete
  }
  return exitCodes.complete
}

async function isLast(store: RunStore, event: StoredEvent): Promise<boolean> {
  return (await store.events()).at(-1)?.time === event.time
}

/** Every event of the run, those that come later too. */
async function* newEvents(store: RunStore, signal: AbortSignal): AsyncGenerator<StoredEvent, void> {
  const seen = new Map<string, number>()
  while (!signal.aborted) {
    const counts = new Map<string, number>()
    for (const event of await store.events()) {
      const n = (counts.get(event.writer) ?? 0) + 1
      counts.set(event.writer, n)
      if (n <= (seen.get(event.writer) ?? 0)) continue
      seen.set(event.writer, n)
      yield event
    }
    await sleep(pollIntervalInMs, undefined, { signal }).catch(() => undefined)
  }
}
