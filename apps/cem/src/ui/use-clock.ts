import { useEffect, useState } from 'react'

/** The time, anew every so often: for elapsed times and estimates between events. */
export function useClock(intervalInMs: number): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), intervalInMs)
    return () => clearInterval(timer)
  }, [intervalInMs])
  return now
}
