import { useEffect, useState } from 'react'
import type { Action } from '../keys.ts'
import { type RunView, runningUnits } from '../run-view.ts'
import { type RunControls, type RunStatus, undisturbed } from './run-controls.ts'
import { useBurstState } from './use-burst-state.ts'

interface Asked {
  readonly isPaused: boolean
  readonly isStopping: boolean
  readonly retries: boolean
  /** Units that have to end before the run stops; null: it does not stop for that. */
  readonly awaited: readonly string[] | null
}

const nothing: Asked = { isPaused: false, isStopping: false, retries: false, awaited: null }
const noticeInMs = 4000

/** What the user asked of the run, and how: keys that control it go through here. */
export function useStatus(
  controls: RunControls,
  view: RunView,
): {
  readonly status: RunStatus
  readonly control: (action: Action) => void
  readonly notice: string | undefined
} {
  const asked = useBurstState(nothing)
  const [notice, setNotice] = useState<string | undefined>(undefined)
  useEffect(() => {
    if (notice === undefined) return undefined
    const timer = setTimeout(() => setNotice(undefined), noticeInMs)
    return () => clearTimeout(timer)
  }, [notice])

  const set = (next: Partial<Asked>) => asked.set({ ...asked.latest(), ...next })
  const absent = () => setNotice('This run is another process: it cannot be controlled from here.')

  const control = (action: Action) => {
    const { isPaused, retries, awaited } = asked.latest()
    switch (action) {
      case 'pause':
        if (controls.pause === undefined) return absent()
        controls.pause(!isPaused)
        return set({ isPaused: !isPaused })
      case 'stop-after': {
        if (controls.stopAfterUnits === undefined) return absent()
        const running = runningUnits(view)
        if (awaited === null && running.length === 0)
          return setNotice('No unit runs now: q stops at once.')
        controls.stopAfterUnits(awaited === null)
        return set({ awaited: awaited === null ? running : null })
      }
      case 'retry':
        if (controls.retryFailed === undefined) return absent()
        if (!retries && view.failures.length === 0) return setNotice('Nothing has failed.')
        controls.retryFailed(!retries)
        return set({ retries: !retries })
      case 'leave':
        if (controls.leaveRunning === undefined) return absent()
        controls.leaveRunning()
        return set({ isStopping: true })
      case 'quit':
        controls.quit()
        return set({ isStopping: true })
      default:
        return undefined
    }
  }

  const { isPaused, isStopping, retries, awaited } = asked.shown
  const running = new Set(runningUnits(view))
  const stopsAfter = (awaited ?? []).filter((unit) => running.has(unit)).length
  return {
    status: { ...undisturbed, isPaused, isStopping, retries, stopsAfter },
    control,
    notice,
  }
}
