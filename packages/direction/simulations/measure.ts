import { randomSource } from '@cem/core'
import {
  type Absent,
  clusterBootstrap,
  crossedDifference,
  type Interval,
  isAbsent,
  pairedDifference,
  rate,
  type StatisticRow,
} from '../src/index.ts'
import { wilson } from '../src/statistics/wilson.ts'
import { binomial, rateAt, spreadFor } from './question-rates.ts'

export interface Setting {
  readonly trueRate: number
  readonly nQuestions: number
  readonly icc: number
  readonly nReplicates: number
  readonly seed: number
}

/** Answers per question. */
export const nSamples = 50

/** Share of a question's variance that it has in common between conditions; the rest is question x condition variance. */
export const sharedVariance = 0.5

export interface RateCoverage {
  /** Share of intervals of `rate` that hold the true rate. */
  readonly covered: number
  /** The same without the prior on the design effect. */
  readonly coveredWithoutPrior: number
  /** The same for Wilson's interval on all answers as if they were independent. */
  readonly coveredNaively: number
  readonly meanWidth: number
  /** Share of the results that say that they are reliable. */
  readonly reliable: number
  /** Share of intervals that hold the true rate among these. */
  readonly coveredWhenReliable: number
}

/** Coverage of `rate` at nominal 95 %. */
export function measureRate({
  trueRate,
  nQuestions,
  icc,
  nReplicates,
  seed,
}: Setting): RateCoverage {
  const source = randomSource('rate', trueRate, nQuestions, icc, seed)
  const spread = spreadFor(trueRate, icc)
  const counts = { covered: 0, withoutPrior: 0, naive: 0, reliable: 0, coveredWhenReliable: 0 }
  let width = 0
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const rows: StatisticRow[] = []
    for (let q = 0; q < nQuestions; q++) {
      const ones = binomial(source, nSamples, rateAt(spread, source.normal()))
      for (let i = 0; i < nSamples; i++) rows.push({ question: String(q), value: i < ones ? 1 : 0 })
    }
    const result = rate(rows)
    const isCovered = contains(result.interval, trueRate)
    if (isCovered) counts.covered++
    if (result.isReliable) {
      counts.reliable++
      if (isCovered) counts.coveredWhenReliable++
    }
    if (contains(rate(rows, { priorDegreesOfFreedom: 0 }).interval, trueRate)) counts.withoutPrior++
    const { low, high } = wilson(result.estimate as number, rows.length, 1.959964)
    if (low <= trueRate && trueRate <= high) counts.naive++
    if (!isAbsent(result.interval)) width += result.interval.high - result.interval.low
  }
  return {
    covered: counts.covered / nReplicates,
    coveredWithoutPrior: counts.withoutPrior / nReplicates,
    coveredNaively: counts.naive / nReplicates,
    meanWidth: width / nReplicates,
    reliable: counts.reliable / nReplicates,
    coveredWhenReliable: counts.coveredWhenReliable / counts.reliable,
  }
}

/** Coverage of `clusterBootstrap` for one rate at nominal 95 %, 500 resamples each. */
export function measureBootstrap(setting: Setting): number {
  const { trueRate, nQuestions, icc, nReplicates, seed } = setting
  const source = randomSource('bootstrap', trueRate, nQuestions, icc, seed)
  const spread = spreadFor(trueRate, icc)
  let covered = 0
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const { values } = clusterBootstrap({
      clusters: Array.from(
        { length: nQuestions },
        () => binomial(source, nSamples, rateAt(spread, source.normal())) / nSamples,
      ),
      statistic: (shares) => [shares.reduce((sum, share) => sum + share, 0) / shares.length],
      seed: replicate,
      nResamples: 500,
    })
    if (values.some(({ interval }) => contains(interval, trueRate))) covered++
  }
  return covered / nReplicates
}

export interface FalsePositives {
  /** Shares of replicates with p <= 0.05, where both conditions have the same true rate. */
  readonly byT: number
  readonly bySignFlip: number
  /** Share of replicates without a t (all differences equal); they count as not rejected. */
  readonly withoutT: number
}

/** False-positive rate of `pairedDifference` at nominal 5 %, with question x condition variance in the null. */
export function measurePairedDifference({
  trueRate,
  nQuestions,
  icc,
  nReplicates,
  seed,
}: Setting): FalsePositives {
  const source = randomSource('paired', trueRate, nQuestions, icc, seed)
  const spread = spreadFor(trueRate, icc)
  const counts = { byT: 0, bySignFlip: 0, withoutT: 0 }
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const sides: [StatisticRow[], StatisticRow[]] = [[], []]
    for (let q = 0; q < nQuestions; q++) {
      const common = Math.sqrt(sharedVariance) * source.normal()
      for (const side of sides) {
        const z = common + Math.sqrt(1 - sharedVariance) * source.normal()
        // One row with the share of ones: the test sees nothing else of the 50 rows.
        const value = binomial(source, nSamples, rateAt(spread, z)) / nSamples
        side.push({ question: String(q), value })
      }
    }
    const result = pairedDifference(...sides, { seed: replicate, nRandomPatterns: 999 })
    if (isAbsent(result.p)) counts.withoutT++
    else if (result.p <= 0.05) counts.byT++
    if (!isAbsent(result.signFlip) && result.signFlip.p <= 0.05) counts.bySignFlip++
  }
  return {
    byT: counts.byT / nReplicates,
    bySignFlip: counts.bySignFlip / nReplicates,
    withoutT: counts.withoutT / nReplicates,
  }
}

export interface CrossedSetting extends Setting {
  readonly nSeeds: number
  /** Standard deviation, on the logit scale, of what a training seed does to all questions of its condition. */
  readonly seedSpread: number
}

export interface CrossedFalsePositives {
  /** Share of replicates with p <= 0.05 by `crossedDifference`. */
  readonly crossed: number
  /** The same by `pairedDifference`, which leaves the seeds' variance out. */
  readonly questionsOnly: number
}

/** False-positive rates with several training seeds whose effect is independent between the conditions. */
export function measureCrossedDifference({
  trueRate,
  nQuestions,
  icc,
  nSeeds,
  seedSpread,
  nReplicates,
  seed,
}: CrossedSetting): CrossedFalsePositives {
  const source = randomSource('crossed', trueRate, nQuestions, icc, nSeeds, seedSpread, seed)
  const { centre, spread } = spreadFor(trueRate, icc)
  const counts = { crossed: 0, questionsOnly: 0 }
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const questions = Array.from({ length: nQuestions }, () => source.normal())
    const side = (): StatisticRow[] => {
      const own = questions.map(
        (z) => Math.sqrt(sharedVariance) * z + Math.sqrt(1 - sharedVariance) * source.normal(),
      )
      return Array.from({ length: nSeeds }, (_, s) => {
        const shift = seedSpread * source.normal()
        return own.map((z, q) => ({
          question: String(q),
          seed: s,
          value:
            binomial(source, nSamples, rateAt({ centre: centre + shift, spread }, z)) / nSamples,
        }))
      }).flat()
    }
    const [a, b] = [side(), side()]
    if (isRejected(crossedDifference(a, b).p)) counts.crossed++
    if (isRejected(pairedDifference(a, b, { nRandomPatterns: 99 }).p)) counts.questionsOnly++
  }
  return {
    crossed: counts.crossed / nReplicates,
    questionsOnly: counts.questionsOnly / nReplicates,
  }
}

const isRejected = (p: number | Absent) => typeof p === 'number' && p <= 0.05

export const contains = (interval: Interval | Absent, value: number) =>
  !isAbsent(interval) && interval.low <= value && value <= interval.high
