import type { StatisticRow } from '@cem/direction'
import type { PairedInterval } from './paired-interval.ts'

/** Two-sided 95 % of the normal distribution. */
const critical = 1.96

/**
 * The difference a - b of two rates on the very same questions, each question counting once, with an interval over answers alone:
 * it speaks of these questions, not of questions of their kind, and is narrower than `pairedInterval` where questions differ. Variance by
 * strata, sum over questions of p (1 - p) / n for both sides, over G^2, with p smoothed to (x + 1) / (n + 2) so that questions that
 * all answers agree on do not count as certain (Agresti and Caffo, The American Statistician 54, 2000). Undefined where no question
 * has scores on both sides.
 */
export function fixedQuestionsInterval(
  a: readonly StatisticRow[],
  b: readonly StatisticRow[],
): PairedInterval | undefined {
  const [ofA, ofB] = [tallies(a), tallies(b)]
  const shared = [...ofA.keys()].filter((question) => ofB.has(question))
  if (shared.length === 0) return undefined
  let difference = 0
  let variance = 0
  for (const question of shared) {
    const [x, y] = [ofA.get(question) as Tally, ofB.get(question) as Tally]
    difference += x.sum / x.n - y.sum / y.n
    variance += varianceOf(x) + varianceOf(y)
  }
  const estimate = difference / shared.length
  const half = (critical * Math.sqrt(variance)) / shared.length
  return { estimate, low: estimate - half, high: estimate + half }
}

interface Tally {
  readonly sum: number
  readonly n: number
}

function tallies(rows: readonly StatisticRow[]): Map<string, Tally> {
  const found = new Map<string, Tally>()
  for (const { question, value } of rows) {
    if (value === null) continue
    const { sum, n } = found.get(question) ?? { sum: 0, n: 0 }
    found.set(question, { sum: sum + value, n: n + 1 })
  }
  return found
}

function varianceOf({ sum, n }: Tally): number {
  const p = (sum + 1) / (n + 2)
  return (p * (1 - p)) / n
}
