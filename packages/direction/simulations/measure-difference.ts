import { randomSource } from '@cem/core'
import { equivalence, isAbsent, pairedDifference, type StatisticRow } from '../src/index.ts'
import { contains, nSamples, sharedVariance } from './measure.ts'
import { binomial, rateAt, spreadFor } from './question-rates.ts'

export interface DifferenceSetting {
  readonly rateA: number
  readonly rateB: number
  readonly nQuestions: number
  readonly icc: number
  readonly nReplicates: number
  readonly seed: number
}

export interface DifferenceCoverage {
  /** Share of intervals of `pairedDifference` that hold the true difference, of those that exist. */
  readonly covered: number
  /** Share of results without an interval. */
  readonly withoutInterval: number
  /** Share of results that say that they are reliable, and coverage among these. */
  readonly reliable: number
  readonly coveredWhenReliable: number
  /** Share of `equivalence` that passes with the margin at the true difference: a false claim. */
  readonly falselyEquivalent: number
  /** The same without the unseen question. */
  readonly falselyEquivalentPlainly: number
}

/** Coverage of `pairedDifference` for a true difference that is not 0, and false equivalence at the margin. */
export function measureDifference({
  rateA,
  rateB,
  nQuestions,
  icc,
  nReplicates,
  seed,
}: DifferenceSetting): DifferenceCoverage {
  const source = randomSource('difference', rateA, rateB, nQuestions, icc, seed)
  const spreads = [spreadFor(rateA, icc), spreadFor(rateB, icc)]
  const difference = rateA - rateB
  const counts = {
    covered: 0,
    absent: 0,
    reliable: 0,
    coveredWhenReliable: 0,
    equivalent: 0,
    plainly: 0,
  }
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const sides: [StatisticRow[], StatisticRow[]] = [[], []]
    for (let q = 0; q < nQuestions; q++) {
      const common = Math.sqrt(sharedVariance) * source.normal()
      for (const [index, side] of sides.entries()) {
        const z = common + Math.sqrt(1 - sharedVariance) * source.normal()
        const value =
          binomial(source, nSamples, rateAt(spreads[index] as (typeof spreads)[0], z)) / nSamples
        side.push({ question: String(q), value })
      }
    }
    const result = pairedDifference(...sides, { nRandomPatterns: 99 })
    const isCovered = contains(result.interval, difference)
    if (isCovered) counts.covered++
    if (isAbsent(result.interval)) counts.absent++
    if (result.isReliable) {
      counts.reliable++
      if (isCovered) counts.coveredWhenReliable++
    }
    const margin = Math.abs(difference)
    if (equivalence(result, { margin }).isEquivalent) counts.equivalent++
    if (equivalence(result, { margin, unseen: 0 }).isEquivalent) counts.plainly++
  }
  return {
    covered: counts.covered / (nReplicates - counts.absent),
    withoutInterval: counts.absent / nReplicates,
    reliable: counts.reliable / nReplicates,
    coveredWhenReliable: counts.coveredWhenReliable / counts.reliable,
    falselyEquivalent: counts.equivalent / nReplicates,
    falselyEquivalentPlainly: counts.plainly / nReplicates,
  }
}
