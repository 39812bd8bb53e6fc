import { dirname } from 'node:path'
import { useCallback } from 'react'
import type { RunView } from '../run-view.ts'
import { runSummary } from '../summary.ts'
import { useLoaded } from './data/use-loaded.ts'
import { type Line, wrapSegments } from './text-lines.ts'

/** What the analysis found, as lines of a width; read when the screen opens and when the run ends. */
export function useResults(view: RunView, isOpen: boolean): (width: number) => Line[] {
  const { storeFolder, files, outcome } = view
  const name = isOpen && storeFolder !== '' ? `${storeFolder} ${outcome}` : null
  const { value, error } = useLoaded(name, () =>
    runSummary(storeFolder, dirname(dirname(storeFolder)), files),
  )
  return useCallback(
    (width: number) => {
      const text = error ?? value?.join('\n') ?? 'reading…'
      return wrapSegments([{ text }], width)
    },
    [value, error],
  )
}
