import { setTimeout as wait } from 'node:timers/promises'

/** The time and the waiting of a client, so that tests need not wait for real. */
export interface Clock {
  /** Milliseconds since 1970, never running backwards. */
  now(): number
  /** Resolves after `delayInMs`; rejects with the signal's reason when it aborts. */
  sleep(delayInMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  // A step of the wall clock must not make durations negative, so its reading at start plus monotonic time.
  now: () => performance.timeOrigin + performance.now(),
  sleep: async (delayInMs, signal) => {
    try {
      await wait(delayInMs, undefined, signal ? { signal } : {})
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}
