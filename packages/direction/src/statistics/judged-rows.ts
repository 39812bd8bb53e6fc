import { CemError } from '@cem/core'
import { checkRow } from './rows.ts'

/** One answer with the judge's value and, where a human looked at it, the human's. */
export interface JudgedRow {
  /** The question's id: the cluster. */
  readonly question: string
  /** The judge's label (0 or 1) or score; null: the judge gave none. */
  readonly judge: number | null
  /** The human's label or score in the same unit; null or left out: not labelled. */
  readonly human?: number | null
}

/** Throws `bad-row` unless question, judge and human are as said. */
export function checkJudgedRows(rows: readonly JudgedRow[], isBinary = false): void {
  for (const [index, { question, judge, human = null }] of rows.entries())
    for (const [field, value] of [
      ['judge', judge],
      ['human', human],
    ] as const) {
      checkRow({ question, value: Number.isFinite(value) ? value : null }, index)
      const isFine = isBinary
        ? value === 0 || value === 1
        : typeof value === 'number' && Number.isFinite(value)
      if (value === null || isFine) continue
      throw new CemError({
        code: 'bad-row',
        message: `Row ${index} has ${field} ${typeof value === 'string' ? JSON.stringify(value) : String(value)}; it must be ${isBinary ? '0, 1' : 'a finite number'}, or null where there is none.`,
        data: { index, field, value },
      })
    }
}
