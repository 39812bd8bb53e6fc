import { limitFunction } from 'p-limit'
import { abortable } from './abortable.ts'
import type { MutableCounters } from './call-counters.ts'

/** Runs work when its turn has come. An abort rejects at once, also while waiting; work that has not begun then never does. */
export type CallQueue = <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>

export function createCallQueue(
  concurrency: number,
  counters: Pick<MutableCounters, 'waiting' | 'inFlight'>,
): CallQueue {
  // The named export, because p-limit's default export is not found from CommonJS.
  const limited = limitFunction((task: () => Promise<void>) => task(), { concurrency })
  return <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => {
    const turn = new Promise<T>((resolve, reject) => {
      counters.waiting++
      const leave = once(() => {
        counters.waiting--
        signal?.removeEventListener('abort', leave)
      })
      signal?.addEventListener('abort', leave)
      const task = async () => {
        leave()
        if (signal?.aborted) return
        counters.inFlight++
        await work()
          .finally(() => counters.inFlight--)
          .then(resolve, reject)
      }
      limited(task).catch(reject)
    })
    return abortable(turn, signal)
  }
}

function once(action: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    action()
  }
}
