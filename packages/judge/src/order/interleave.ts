import { CemError, randomSource } from '@cem/core'
import type { JudgeItem } from '../judging/judge-item.ts'
import { type AnchorRow, anchorRows } from './anchor-rows.ts'

export interface InterleaveOptions {
  /** The same seed, cells and numbers of rows give the same order. */
  readonly seed: number
  /** The judge's (`Judge.session`): anchors are asked anew in every session, whatever a cache holds. */
  readonly session: string
  /** Judged at start and end. An empty list goes without. @default `anchorRows()` */
  readonly anchors?: readonly AnchorRow[]
  /** Anchors also after every so many rows, at least 1. @default at start and end only */
  readonly anchorsEvery?: number
}

/** Where an item stands in the order. */
export type Placement =
  | { readonly kind: 'row'; readonly cell: string }
  | {
      readonly kind: 'anchor'
      readonly anchor: string
      /** 0 at the start, the greatest at the end. */
      readonly block: number
    }

/** A row or an anchor with its place. */
export type Interleaved<Row extends JudgeItem> = (Row | AnchorRow) &
  JudgeItem & {
    readonly placement: Placement
  }

/**
 * The rows of all cells to be contrasted in one random order, with anchors at start and end: whatever a judge does over time, it
 * does to all cells alike, and the anchors show it. For `judgeAll`.
 *
 * @throws CemError `bad-order`
 */
export function interleave<Row extends JudgeItem>(
  rowsByCell: Readonly<Record<string, readonly Row[]>>,
  { seed, session, anchors = anchorRows(), anchorsEvery = Infinity }: InterleaveOptions,
): Interleaved<Row>[] {
  if (!(anchorsEvery >= 1))
    throw bad(`anchorsEvery is ${anchorsEvery}: give a number of at least 1`)
  const ids = anchors.map(({ id }) => id)
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  if (twice !== undefined) throw bad(`the anchor ${JSON.stringify(twice)} is there twice`)
  // By name, so that the order in which somebody wrote the cells down does not matter.
  const cells = Object.keys(rowsByCell).toSorted()
  const rows = cells.flatMap((cell) =>
    (rowsByCell[cell] ?? []).map((row) => ({ ...row, placement: { kind: 'row', cell } as const })),
  )
  const shuffled = randomSource('interleave', seed).shuffle(rows)
  const blockOf = (block: number) =>
    anchors.map((anchor) => ({
      ...anchor,
      repeat: `anchor ${session} ${block}`,
      placement: { kind: 'anchor', anchor: anchor.id, block } as const,
    }))
  const order: Interleaved<Row>[] = blockOf(0)
  let block = 1
  for (const [i, row] of shuffled.entries()) {
    order.push(row)
    const isLast = i === shuffled.length - 1
    if (!isLast && (i + 1) % anchorsEvery === 0) order.push(...blockOf(block++))
  }
  order.push(...blockOf(block))
  return order
}

function bad(what: string): CemError {
  return new CemError({ code: 'bad-order', message: `The rows cannot be put in order: ${what}.` })
}
