import { useEffect, useState } from 'react'

/**
 * The time, anew every so often: for elapsed times and estimates between events.
 *
 * @param isRunning false: it stands still, and nothing is drawn for its sake
 */
export function useClock(intervalInMs: number, isRunning = true): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (!isRunning) return undefined
    const timer = setInterval(() => setNow(Date.now()), intervalInMs)
    return () => clearInterval(timer)
  }, [intervalInMs, isRunning])
  return now
}
