import { type Clock, systemClock } from '../src/clock.ts'

/** A clock on which time passes `speed` times as fast, for its waits and for what it shows. */
export function fastClock(speed: number): Clock {
  const start = systemClock.now()
  return {
    now: () => start + (systemClock.now() - start) * speed,
    sleep: (delayInMs, signal) => systemClock.sleep(delayInMs / speed, signal),
  }
}

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
