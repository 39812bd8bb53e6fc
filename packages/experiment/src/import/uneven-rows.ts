import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import type { JudgedRecord } from '../store/verdicts.ts'

interface TakenCell {
  readonly cell: Cell
  readonly records: readonly JudgedRecord[]
}

/**
 * Imported cells that have fewer answers to a question than the other cells: a CSV that was cut short at the end of a row looks like a
 * whole one, and a rate over what is left is another rate. Without a plan the others are the plan.
 */
export function unevenRows(cells: readonly TakenCell[]): RunWarning[] {
  const counts = cells.map(({ records }) => countsOf(records))
  const expected = new Map<string, number>()
  for (const own of counts)
    for (const [question, n] of own)
      expected.set(question, Math.max(n, expected.get(question) ?? 0))
  const short = cells.flatMap(({ cell }, i) => {
    const own = counts[i] ?? new Map<string, number>()
    const sets = new Set([...own.keys()].map(setOf))
    const missing = [...expected].filter(
      ([question, n]) => sets.has(setOf(question)) && (own.get(question) ?? 0) < n,
    )
    const nMissing = missing.reduce((sum, [question, n]) => sum + n - (own.get(question) ?? 0), 0)
    if (nMissing === 0) return []
    const [[question, n]] = missing as [[string, number]]
    return [
      {
        id: cell.id,
        text: `${cell.id} lacks ${nMissing} answers that other cells have (${question.slice(question.indexOf(' ') + 1)}: ${own.get(question) ?? 0} of ${n})`,
      },
    ]
  })
  if (short.length === 0) return []
  const more = short.length > 6 ? `; and ${short.length - 6} more cells` : ''
  return [
    {
      code: 'rows-dropped',
      message: `Imported CSVs have unlike numbers of answers: ${short
        .slice(0, 6)
        .map(({ text }) => text)
        .join(
          '; ',
        )}${more}. A file may have been cut short; rates over what is left are not those of the run.`,
      cells: short.map(({ id }) => id),
    },
  ]
}

/** Answers by set and question; a set that a cell has no file of is not missing in it. */
function countsOf(records: readonly JudgedRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { set, question } of records) {
    const key = `${set} ${question}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

function setOf(key: string): string {
  return key.slice(0, key.indexOf(' '))
}
