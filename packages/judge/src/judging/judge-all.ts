import { CemError } from '@cem/core'
import { boundedPool } from './bounded-pool.ts'
import type { Judge, Verdicts } from './judge.ts'
import type { JudgeItem } from './judge-item.ts'

export interface JudgeAllOptions {
  readonly signal?: AbortSignal | undefined
  /** Answers under way at once, at least 1. @default the client's concurrency */
  readonly concurrency?: number
  /** How many items come. @default the length of an array or size of a set; needed for other iterables */
  readonly total?: number
}

export type JudgingEvent<Item extends JudgeItem = JudgeItem> =
  | { readonly type: 'judging-start'; readonly total: number }
  | {
      readonly type: 'row-end'
      readonly item: Item
      /** The item's place in the input, from 0. */
      readonly index: number
      readonly verdicts: Verdicts
      /** Rows that ended, this one included. */
      readonly done: number
      readonly total: number
    }
  | { readonly type: 'judging-end'; readonly done: number; readonly total: number }

/**
 * Judges items as they come and yields them as they are done. At most `concurrency` rows are held, so memory does not grow
 * with their number; leaving the loop aborts what is under way.
 *
 * @throws the signal's reason, at once; what `judge` or the input throws, after the rows under way have ended
 * @throws CemError `unknown-total`, `wrong-total`
 */
export async function* judgeAll<Item extends JudgeItem>(
  judge: Judge['judge'],
  items: Iterable<Item> | AsyncIterable<Item>,
  { signal, concurrency = 16, total: announced }: JudgeAllOptions,
): AsyncGenerator<JudgingEvent<Item>, void, undefined> {
  const total = announced ?? sizeOf(items)
  if (!Number.isInteger(concurrency) || concurrency < 1) throw badConcurrency(concurrency)
  signal?.throwIfAborted()
  yield { type: 'judging-start', total }
  const work = (item: Item, workSignal: AbortSignal) => judge(item, { signal: workSignal })
  let done = 0
  for await (const row of boundedPool(counted(items, total), work, { concurrency, signal })) {
    const { item, index, value: verdicts } = row
    yield { type: 'row-end', item, index, verdicts, done: ++done, total }
  }
  yield { type: 'judging-end', done, total }
}

/** The items, if they are as many as announced: a progress that ends at 97 of 100 would hide that rows are missing. */
async function* counted<Item>(items: Iterable<Item> | AsyncIterable<Item>, total: number) {
  let count = 0
  for await (const item of items) {
    if (++count > total) throw wrongTotal(total, 'more')
    yield item
  }
  if (count < total) throw wrongTotal(total, `only ${count}`)
}

function sizeOf(items: object): number {
  if (Array.isArray(items)) return items.length
  if (items instanceof Set) return items.size
  throw new CemError({
    code: 'unknown-total',
    message: 'judgeAll cannot tell how many items come: pass an array, or the number as total.',
  })
}

function wrongTotal(total: number, came: string): CemError {
  return new CemError({
    code: 'wrong-total',
    message: `judgeAll was told of ${total} items, but ${came} came.`,
    data: { total },
  })
}

function badConcurrency(concurrency: number): CemError {
  return new CemError({
    code: 'bad-judge-option',
    message: `concurrency is ${concurrency}: give an integer of at least 1.`,
    data: { concurrency },
  })
}
