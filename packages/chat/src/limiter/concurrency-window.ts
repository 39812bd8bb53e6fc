export interface ConcurrencyWindowOptions {
  /** The most at once, at least 1. */
  readonly most: number
  readonly initial: number
  /** Whether it changes at all. */
  readonly isAdaptive: boolean
}

/**
 * How many requests may be under way at once: additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the
 * increase and decrease algorithms for congestion avoidance", 1989), as TCP does it. It grows by one for each answer until the first
 * overload, then by one for each whole window of answers; an overload halves it, once for all requests that were under way then.
 */
export class ConcurrencyWindow {
  readonly #most: number
  readonly #isAdaptive: boolean
  #size: number
  #isStarting = true
  /** Requests with a smaller number were under way at the last decrease. */
  #mark = 0

  constructor({ most, initial, isAdaptive }: ConcurrencyWindowOptions) {
    this.#most = most
    this.#isAdaptive = isAdaptive
    this.#size = isAdaptive ? Math.min(most, initial) : most
  }

  /** A whole number of at least 1. */
  get size(): number {
    return Math.floor(this.#size)
  }

  /** @param wasFull whether as many were under way as may be: else nothing is known about more */
  noteAnswer(wasFull: boolean): void {
    if (!this.#isAdaptive || !wasFull) return
    this.#size = Math.min(this.#most, this.#size + (this.#isStarting ? 1 : 1 / this.#size))
  }

  /**
   * @param request the number of the request, counted from 0 as they began
   * @param nBegun how many have begun
   */
  noteOverload(request: number, nBegun: number): void {
    if (!this.#isAdaptive || request < this.#mark) return
    this.#isStarting = false
    this.#size = Math.max(1, Math.floor(this.#size / 2))
    this.#mark = nBegun
  }
}
