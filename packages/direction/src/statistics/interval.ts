/** A confidence interval. */
export interface Interval {
  readonly low: number
  readonly high: number
  /** Nominal coverage, for instance 0.95. What was measured by simulation stands in the README. */
  readonly level: number
  /** How it was made, for instance `Wilson on effective n, t(7)`. */
  readonly method: string
}

/**
 * What an interval speaks about. With one training seed, or with seeds that the method does not treat as a source of variance,
 * another training run could differ by more than the interval says.
 */
export type Scope = 'these checkpoints only' | 'questions and training seeds'
