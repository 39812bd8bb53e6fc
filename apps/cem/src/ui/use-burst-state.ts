import { useRef, useState } from 'react'

/**
 * State for handlers of keys: several keys may come before the next drawing, and each has to see what the one before made of it.
 */
export function useBurstState<T>(first: T): {
  /** For drawing. */
  readonly shown: T
  /** For handlers. */
  readonly latest: () => T
  readonly set: (next: T) => void
} {
  const [shown, setShown] = useState(first)
  const latest = useRef(first)
  return {
    shown,
    latest: () => latest.current,
    set: (next) => {
      latest.current = next
      setShown(next)
    },
  }
}
