import type { KeyValueStore } from './key-value-cache.ts'
import { LanePlan } from './lane-rows.ts'
import type { LaneSpec, ScoreItem, ScoreSpec } from './messages.ts'
import type { Indexed } from './score-batch.ts'
import type { ScoringSession } from './scoring-session.ts'

/** Items that begin with the same tokens, of which nothing is wanted. */
export interface PrefixGroup {
  readonly items: readonly Indexed[]
  /** How many tokens they share; 0 for items that are computed whole. */
  readonly length: number
}

/** Shorter beginnings are not worth runs of their own. */
const leastTokens = 16

/** Items by what they begin with; those that share nothing are one group, which comes first. */
export function prefixGroups(items: readonly Indexed[], lanes: LaneSpec | null): PrefixGroup[] {
  const byPrefix = Map.groupBy(items, (item) => {
    const length = unreadTokens(item)
    if (length < leastTokens) return ''
    return `${lanes?.laneOf[item.index] ?? ''}:${item.tokenIds.subarray(0, length).join()}`
  })
  const alone: Indexed[] = []
  const groups: PrefixGroup[] = []
  for (const [key, members] of byPrefix) {
    const length = Math.min(...members.map(unreadTokens))
    const longest = Math.max(...members.map(({ tokenIds }) => tokenIds.length))
    // Below that, padded runs of whole texts are as quick.
    const isWorthIt = key !== '' && members.length > 1 && length >= longest - length
    if (isWorthIt) groups.push({ items: members, length })
    else alone.push(...members)
  }
  return alone.length === 0 ? groups : [{ items: alone, length: 0 }, ...groups]
}

/** Tokens before the first one whose state or logits are wanted. The last token is always computed. */
function unreadTokens({ tokenIds, spans, logprobs, logits, states }: ScoreItem): number {
  return Math.min(
    tokenIds.length - 1,
    ...spans.map(({ start }) => start),
    ...(logprobs === null ? [] : [logprobs.start - 1]),
    ...(logits === null ? [] : [logits.start]),
    ...(states === null ? [] : [states.start]),
  )
}

/** Keys and values of tokens that several items begin with. */
export class SharedPrefix implements Disposable {
  readonly length: number
  readonly #cache: KeyValueStore

  private constructor(cache: KeyValueStore, length: number) {
    this.#cache = cache
    this.length = length
  }

  /** Runs the first tokens of an item, in pieces of the budget. */
  static async compute(
    session: ScoringSession,
    { lanes, tokenBudget }: Pick<ScoreSpec, 'lanes' | 'tokenBudget'>,
    { index, tokenIds }: Indexed,
    length: number,
    signal: AbortSignal,
  ): Promise<SharedPrefix> {
    const cache = session.newCache(1, length)
    const rowLanes = lanes === null ? undefined : new LanePlan(lanes).together([index])
    const piece = Math.max(1, tokenBudget)
    for (let start = 0; start < length; start += piece) {
      signal.throwIfAborted()
      const end = Math.min(length, start + piece)
      await session.run({
        tokenIds: tokenIds.slice(start, end),
        nRows: 1,
        nColumns: end - start,
        lastPositions: Int32Array.of(end - 1),
        cache,
        lanes: rowLanes,
      })
    }
    return new SharedPrefix(cache, length)
  }

  copyTo(cache: KeyValueStore, row: number): void {
    cache.copyRow(this.#cache, 0, row, this.length)
  }

  [Symbol.dispose](): void {
    this.#cache[Symbol.dispose]()
  }
}
