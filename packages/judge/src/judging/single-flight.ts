import { abortable } from '@cem/chat'

/** Lets callers who want the same thing at the same time share one piece of work. */
export interface SingleFlight<T> {
  /**
   * Starts `work`, or joins what is under way for `key`. A caller who aborts leaves at once; the work itself is aborted when
   * nobody waits for it any more.
   */
  run(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly value: T; readonly isShared: boolean }>
  /** Aborts all work under way; whoever waits for it gets the reason. */
  abortAll(reason: unknown): void
}

interface Flight<T> {
  readonly outcome: Promise<T>
  readonly controller: AbortController
  waiting: number
}

export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>()

  /** Whether it was still under way. */
  const land = (key: string, flight: Flight<T>) =>
    flights.get(key) === flight && flights.delete(key)

  const start = (key: string, work: (signal: AbortSignal) => Promise<T>) => {
    const controller = new AbortController()
    const flight = { outcome: work(controller.signal), controller, waiting: 0 }
    flights.set(key, flight)
    // Both ways lead down: a failure is for those who wait, not for the process.
    flight.outcome.then(
      () => land(key, flight),
      () => land(key, flight),
    )
    return flight
  }

  return {
    run: async (key, work, signal) => {
      signal?.throwIfAborted()
      const joined = flights.get(key)
      const flight = joined ?? start(key, work)
      flight.waiting++
      try {
        return { value: await abortable(flight.outcome, signal), isShared: joined !== undefined }
      } finally {
        if (--flight.waiting === 0 && land(key, flight)) flight.controller.abort(signal?.reason)
      }
    },
    abortAll: (reason) => {
      for (const { controller } of flights.values()) controller.abort(reason)
    },
  }
}
