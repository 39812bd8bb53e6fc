import type { LimitReading } from './rate-limit-headers.ts'

/** No wait for a server's word is longer: what it says may be wrong, and the next request shows it. */
export const longestPauseInMs = 60_000

/** What a server said is left of one of its limits, less what was begun since. */
export class ServerHeadroom {
  #remaining = Number.POSITIVE_INFINITY
  #notedAt = 0
  #resetAt = 0
  /** What comes back per millisecond; 0 where only the whole is known to come back at the reset. */
  #refill = 0

  /** @param begunSince the cost of what was begun after the request whose answer says this */
  note({ remaining, resetInMs = 0, limit }: LimitReading, now: number, begunSince: number): void {
    this.#remaining = remaining - begunSince
    this.#notedAt = now
    this.#resetAt = now + resetInMs
    const missing = (limit ?? 0) - remaining
    this.#refill = missing > 0 && resetInMs > 0 ? missing / resetInMs : 0
  }

  take(cost: number): void {
    this.#remaining -= cost
  }

  /**
   * How long until there is room for `cost`: the limit comes back evenly until the reset where the server says how large it is
   * (OpenAI's limits do), else all at once at the reset. At most a minute; 0 where nothing is known.
   */
  delayInMs(now: number, cost: number): number {
    if (this.#remaining >= cost || now >= this.#resetAt) return 0
    const ready =
      this.#refill > 0 ? this.#notedAt + (cost - this.#remaining) / this.#refill : this.#resetAt
    return Math.max(0, Math.min(ready, this.#resetAt, this.#notedAt + longestPauseInMs) - now)
  }
}
