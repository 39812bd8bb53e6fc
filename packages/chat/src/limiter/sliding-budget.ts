/** A second more than the minute, since requests do not take equally long to reach the server. */
const minuteInMs = 61_000

/** Servers count over shorter times too, so a tenth of the budget in a tenth of the time. */
const nParts = 10

/** Something that was taken from the budget; its cost can be corrected later. */
export interface BudgetEntry {
  readonly at: number
  readonly index: number
  cost: number
}

interface Span {
  readonly lengthInMs: number
  readonly most: number
  /** Whether `most` is never passed; else the last one that begins may pass it. */
  readonly isStrict: boolean
  /** The first entry that is still within the span. */
  head: number
  sum: number
}

/**
 * A budget per minute, kept in every minute and not on average: what began within the last minute is known and counted. The time
 * is given in, in milliseconds, and must not run backwards.
 */
export class SlidingBudget {
  readonly #entries: BudgetEntry[] = []
  readonly #spans: readonly Span[]
  /** Entries that were forgotten. */
  #nGone = 0

  constructor(perMinute: number) {
    const part = { lengthInMs: minuteInMs / nParts, most: Math.ceil(perMinute / nParts) }
    this.#spans = [
      { lengthInMs: minuteInMs, most: perMinute, isStrict: true, head: 0, sum: 0 },
      { ...part, isStrict: false, head: 0, sum: 0 },
    ]
  }

  /** What was taken within the last minute. */
  used(now: number): number {
    this.#advance(now)
    return this.#spans[0]?.sum ?? 0
  }

  /** How long until `cost` may be taken; 0 for now, infinite where it never may. */
  delayInMs(now: number, cost: number): number {
    this.#advance(now)
    return Math.max(...this.#spans.map((span) => this.#delayOf(span, now, cost)))
  }

  take(now: number, cost: number): BudgetEntry {
    const entry = { at: now, cost, index: this.#nGone + this.#entries.length }
    this.#entries.push(entry)
    for (const span of this.#spans) span.sum += cost
    return entry
  }

  /** Puts what it really cost in place of what was taken. */
  correct(entry: BudgetEntry, cost: number): void {
    for (const span of this.#spans) if (entry.index >= span.head) span.sum += cost - entry.cost
    entry.cost = cost
  }

  #delayOf({ lengthInMs, most, isStrict, head, sum }: Span, now: number, cost: number): number {
    let left = sum
    let delay = 0
    for (let index = head; isStrict ? left + cost > most : left >= most; index++) {
      const entry = this.#entries[index - this.#nGone]
      if (entry === undefined) return Number.POSITIVE_INFINITY
      left -= entry.cost
      delay = entry.at + lengthInMs - now
    }
    return delay
  }

  #advance(now: number): void {
    for (const span of this.#spans) {
      for (;;) {
        const entry = this.#entries[span.head - this.#nGone]
        if (entry === undefined || entry.at + span.lengthInMs > now) break
        span.sum -= entry.cost
        span.head++
      }
    }
    const nOld = Math.min(...this.#spans.map(({ head }) => head)) - this.#nGone
    if (nOld < 1024) return
    this.#entries.splice(0, nOld)
    this.#nGone += nOld
  }
}
