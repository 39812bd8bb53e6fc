import { type Clock, systemClock } from '../src/clock.ts'

/** The system's clock with waits a thousand times shorter, and what was asked of it. */
export function hurriedClock(): Clock & { readonly delays: number[] } {
  const delays: number[] = []
  return {
    delays,
    now: () => systemClock.now(),
    sleep: (delayInMs, signal) => {
      delays.push(delayInMs)
      return systemClock.sleep(delayInMs / 1000, signal)
    },
  }
}
