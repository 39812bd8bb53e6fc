import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../src/clock.ts'

/** A clock that stands still until it is told. */
export function manualClock(): Clock & { advance(byInMs: number): Promise<void> } {
  let now = 1_000_000
  let sleepers: { at: number; resolve: () => void }[] = []
  return {
    now: () => now,
    sleep: (delayInMs, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: now + delayInMs, resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((one) => one !== sleeper)
          reject(signal.reason as Error)
        })
      }),
    advance: async (byInMs) => {
      const until = now + byInMs
      for (;;) {
        await settled()
        const [next] = sleepers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)
        if (next === undefined) break
        sleepers = sleepers.filter((one) => one !== next)
        now = Math.max(now, next.at)
        next.resolve()
      }
      now = until
      await settled()
    },
  }
}

/** Lets everything happen that only waits for promises. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets the clock run until the work is done, a real millisecond for each half second, so that requests get their answers. */
export async function runUntil<T>(
  work: Promise<T>,
  clock: ReturnType<typeof manualClock>,
): Promise<T> {
  const progress = { isDone: false }
  const done = work.finally(() => {
    progress.isDone = true
  })
  done.catch(() => undefined)
  while (!progress.isDone) {
    await clock.advance(500)
    await wait(1)
  }
  return done
}
