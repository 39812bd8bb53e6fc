import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkProbability } from '../options.ts'
import { normalQuantile } from '../statistics/distributions.ts'
import type { Interval } from '../statistics/interval.ts'

export interface Auroc {
  /** P(score with > score without) + P(equal) / 2: 0.5 is chance, 1 is perfect separation. */
  readonly estimate: number | Absent
  /** DeLong's. Absent with perfect separation, or one row on a side. */
  readonly standardError: number | Absent
  /** estimate +- z standard errors, cut at 0 and 1. It takes all rows as independent: see `byQuestion` where there is one. */
  readonly interval: Interval | Absent
  readonly nWith: number
  readonly nWithout: number
}

/**
 * Area under the ROC curve with DeLong's interval, ties counted half. E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson,
 * "Comparing the areas under two or more correlated receiver operating characteristic curves", Biometrics 44 (1988).
 *
 * @param without finite scores of the aligned side; shape [nWithout]
 * @param withEm finite scores of the misaligned side; shape [nWith]
 * @throws CemError `not-finite` where a score is NaN, `bad-option`
 */
export function auroc(
  without: Float64Array,
  withEm: Float64Array,
  { level = 0.95 }: { readonly level?: number } = {},
): Auroc {
  checkProbability('level', level)
  checkScores('without', without)
  checkScores('with', withEm)
  const counts = { nWith: withEm.length, nWithout: without.length }
  if (counts.nWith === 0 || counts.nWithout === 0) {
    const none = absent(`${counts.nWith} rows with and ${counts.nWithout} without: both are needed`)
    return { estimate: none, standardError: none, interval: none, ...counts }
  }
  const placesOfWith = placements(withEm, without)
  const estimate = meanOf(placesOfWith)
  if (counts.nWith === 1 || counts.nWithout === 1) {
    const few = absent('one row on a side: nothing shows how much its rows differ')
    return { estimate, standardError: few, interval: few, ...counts }
  }
  const placesOfWithout = placements(without, withEm)
  const variance =
    varianceOf(placesOfWith) / counts.nWith + varianceOf(placesOfWithout) / counts.nWithout
  if (variance === 0) {
    const flat = absent(
      estimate === 0.5
        ? 'all scores are equal: no variance to estimate'
        : 'the sides do not overlap: no variance to estimate',
    )
    return { estimate, standardError: flat, interval: flat, ...counts }
  }
  const standardError = Math.sqrt(variance)
  const half = normalQuantile((1 + level) / 2) * standardError
  const interval = {
    low: Math.max(0, estimate - half),
    high: Math.min(1, estimate + half),
    level,
    method: 'DeLong over rows',
  }
  return { estimate, standardError, interval, ...counts }
}

function checkScores(side: string, scores: Float64Array): void {
  const index = scores.findIndex(Number.isNaN)
  if (index < 0) return
  throw new CemError({
    code: 'not-finite',
    message: `Score ${index} of the rows ${side} is NaN, which has no rank. Leave out empty answers first.`,
    data: { side, index },
  })
}

/** For every score the share of the others below it, ties counted half. */
function placements(scores: Float64Array, others: Float64Array): Float64Array {
  const sorted = others.toSorted()
  return scores.map(
    (score) =>
      (countBelow(sorted, score, false) + countBelow(sorted, score, true)) / 2 / sorted.length,
  )
}

/** How many of the ascending numbers are below the value, or at most the value. */
function countBelow(sorted: Float64Array, value: number, orEqual: boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    const entry = sorted[middle] as number
    if (entry < value || (orEqual && entry === value)) low = middle + 1
    else high = middle
  }
  return low
}

const meanOf = (values: Float64Array) =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** Divisor n - 1. */
function varianceOf(values: Float64Array): number {
  const mean = meanOf(values)
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return squares / (values.length - 1)
}
