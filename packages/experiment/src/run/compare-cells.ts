import { compareSessions, countTruncated, type Verdict } from '@cem/judge'
import { sessionAlarms } from '../alarms/judge-sessions.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { unitId } from '../plan/units.ts'
import { type RunStore, readFolder } from '../store/run-store.ts'
import { readJudged, verdictsFolder } from '../store/verdicts.ts'

export interface CompareCellsInput {
  readonly store: RunStore
  readonly cells: readonly Cell[]
  readonly done: ReadonlySet<string>
}

/** Whether the cells that are judged were judged alike, from the whole verdicts in the ledger. */
export async function compareCells({
  store,
  cells,
  done,
}: CompareCellsInput): Promise<RunWarning[]> {
  const ledger = new Map(
    (await readFolder<Verdict>(verdictsFolder(store))).map((verdict) => [verdict.key, verdict]),
  )
  const byCell: Record<string, Verdict[]> = {}
  const truncated: string[] = []
  let nTruncated = 0
  for (const { id } of cells) {
    if (!done.has(unitId('judge', id))) continue
    const records = (await readJudged(store, id)) ?? []
    const keys = records.flatMap(({ verdicts }) => Object.values(verdicts).map(({ key }) => key))
    const verdicts = keys.flatMap((key) => ledger.get(key) ?? [])
    byCell[id] = verdicts
    const count = countTruncated(verdicts).truncated
    nTruncated += count
    if (count > 0) truncated.push(id)
  }
  return [
    ...sessionAlarms(compareSessions(byCell, { tolerance: toleranceOf(byCell) })),
    ...(truncated.length === 0
      ? []
      : [
          {
            code: 'answers-truncated' as const,
            message: `In ${nTruncated} judgements the judge saw only the beginning of the answer: it is longer than judge.maxAnswerTokens.`,
            cells: truncated,
          },
        ]),
  ]
}

/**
 * Cells that were interleaved and that a crash cut in two differ by chance: two shares of n rows by up to sqrt(0.5 / n) in one
 * standard deviation. Four of them, for the largest of many pairs, and 0.1 at least. A row has a verdict for each metric, and its
 * verdicts go together.
 */
function toleranceOf(byCell: Readonly<Record<string, readonly Verdict[]>>): number {
  const sizes = Object.values(byCell).flatMap((verdicts) => {
    const nMetrics = new Set(verdicts.map(({ rubric }) => rubric)).size
    return nMetrics === 0 ? [] : [verdicts.length / nMetrics]
  })
  return Math.min(0.9, Math.max(0.1, 4 * Math.sqrt(0.5 / Math.max(1, Math.min(...sizes)))))
}
