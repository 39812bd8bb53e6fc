import { type DrawOptions, drawRows, type RowInCondition } from '../agreement/draw-rows.ts'
import { sha256 } from '../hash.ts'

/** Rows for people to label, without what would tell them which condition a row is from. */
export interface LabelSample {
  readonly seed: number
  readonly perCondition: number
  /** In the order to be shown: random across conditions. */
  readonly items: readonly LabelItem[]
  /** By condition: rows drawn, and rows there. Not for the eyes of who labels. */
  readonly drawn: Readonly<Record<string, { readonly drawn: number; readonly of: number }>>
}

export interface LabelItem {
  /** What the label file says: twelve hexadecimal digits that tell nothing of the row. */
  readonly item: string
  /** The row, for the program that shows its text. It may name the condition: keep it from who labels. */
  readonly row: string
}

/**
 * Draws rows for people to label: at random within each condition, shuffled across conditions, under blind names. Unscored rows
 * are drawn like any other, for an estimate that corrects the judge needs them.
 *
 * @throws CemError `bad-sample`, `duplicate-row`
 */
export function drawLabelSample(
  rows: readonly RowInCondition[],
  { perCondition, seed }: DrawOptions,
): LabelSample {
  const { rows: chosen, drawn } = drawRows(rows, { perCondition, seed }, 'label-sample')
  const items = chosen.map(({ id }) => ({ item: blindName(id, seed), row: id }))
  return { seed, perCondition, items, drawn }
}

/** The name of a row in label files of a seed: the first 48 bits of a hash of both. */
export function blindName(row: string, seed: number): string {
  return sha256(JSON.stringify(['label', seed, row])).slice(0, 12)
}
