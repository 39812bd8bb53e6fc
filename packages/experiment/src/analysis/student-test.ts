import { equivalence, isAbsent } from '@cem/direction'

/**
 * Two-sided p of Student's t with any degrees of freedom above 0, whole or not. @cem/direction gives the distribution through its
 * one-sided tests: against a margin of next to nothing, the larger of the two p is P(T <= |t|).
 */
export function twoSidedP(t: number, degreesOfFreedom: number): number {
  const tested = { estimate: Math.abs(t), standardError: 1, degreesOfFreedom, t }
  const { p } = equivalence(tested, { margin: Number.MIN_VALUE, unseen: 0 })
  return isAbsent(p) ? Number.NaN : Math.min(1, 2 * (1 - p))
}

/** The t that a two-sided test at `alpha` has to exceed, by bisection. */
export function criticalT(alpha: number, degreesOfFreedom: number): number {
  let [low, high] = [0, 1]
  while (twoSidedP(high, degreesOfFreedom) > alpha) [low, high] = [high, 2 * high]
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (twoSidedP(middle, degreesOfFreedom) > alpha) low = middle
    else high = middle
  }
  return (low + high) / 2
}
