import { messageOf } from '@cem/core'
import { useEffect, useEffectEvent, useState } from 'react'

/** What is read from the disk for the screen. */
export interface Loaded<T> {
  /** Undefined while it is read, and where it cannot be. */
  readonly value: T | undefined
  readonly error: string | undefined
}

interface State<T> extends Loaded<T> {
  readonly of: string
}

/**
 * Reads something when its screen opens, and anew when its name changes; the value before stays while it is of the same `group`.
 *
 * @param name of what is wanted; null: nothing
 * @param group what may be shown in place of it until it is there
 */
export function useLoaded<T>(
  name: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  group: string | null = name,
): Loaded<T> {
  const [state, setState] = useState<State<T>>({ of: '', value: undefined, error: undefined })
  // The name says what is to be loaded, and a new function alone is no reason to load it again.
  const begin = useEffectEvent(load)
  useEffect(() => {
    if (name === null) return undefined
    const stop = new AbortController()
    const set = (next: Loaded<T>) => {
      if (!stop.signal.aborted) setState({ of: group ?? '', ...next })
    }
    begin(stop.signal).then(
      (value) => set({ value, error: undefined }),
      (error: unknown) => set({ value: undefined, error: messageOf(error) }),
    )
    return () => stop.abort()
  }, [name, group])
  return name !== null && state.of === group ? state : { value: undefined, error: undefined }
}
