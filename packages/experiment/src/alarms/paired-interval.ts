import { isAbsent, pairedDifference, type StatisticRow } from '@cem/direction'

/** The sign-flip test beside the interval is not read here. */
const fewestPatterns = 99

/** A difference a - b over questions with its interval. */
export interface PairedInterval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/**
 * `pairedDifference` for a decision: undefined where fewer than two questions are shared. Where all questions differ alike, no
 * variance can be estimated, and the interval is the one point that they agree on.
 */
export function pairedInterval(
  a: readonly StatisticRow[],
  b: readonly StatisticRow[],
  level: number,
): PairedInterval | undefined {
  const { estimate, interval, nQuestions } = pairedDifference(a, b, {
    level,
    nRandomPatterns: fewestPatterns,
  })
  if (isAbsent(estimate) || nQuestions < 2) return undefined
  if (isAbsent(interval)) return { estimate, low: estimate, high: estimate }
  return { estimate, low: interval.low, high: interval.high }
}

/** `12 %`, `-3 %` */
export function percentText(share: number): string {
  return `${(share * 100).toFixed(share !== 0 && Math.abs(share) < 0.1 ? 1 : 0)} %`
}
