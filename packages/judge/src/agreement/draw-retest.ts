import type { JudgeItem } from '../judging/judge-item.ts'
import { type DrawnRows, type DrawOptions, drawRows, type RowInCondition } from './draw-rows.ts'

export interface RetestOptions extends DrawOptions {
  /** Names this repetition: the same name on a resumed run asks nothing twice. @default 'retest' */
  readonly repeat?: string
}

/**
 * Rows to be judged once more by the same judge, drawn at random from each condition. They carry `repeat`, so that each is a
 * fresh call and not the cached verdict; pass them to `judgeAll` and set the verdicts beside the first with `pairVerdicts`.
 *
 * @throws CemError `bad-sample`, `duplicate-row`
 */
export function drawRetest<Row extends RowInCondition & JudgeItem>(
  rows: readonly Row[],
  { repeat = 'retest', ...options }: RetestOptions,
): DrawnRows<Row & { readonly repeat: string }> {
  const { rows: chosen, drawn } = drawRows(rows, options, 'retest')
  return { rows: chosen.map((row) => ({ ...row, repeat })), drawn }
}
