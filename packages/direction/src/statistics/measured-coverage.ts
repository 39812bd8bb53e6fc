import { type Absent, absent } from '../absent.ts'
import {
  coverageOfDifference,
  coverageOfMatched,
  coverageOfPowered,
  coverageOfRate,
} from './coverage-table.ts'

/** How often intervals at nominal 95 % held the truth in the simulated settings that are like the data at hand. */
export interface MeasuredCoverage {
  readonly lowest: number
  readonly highest: number
  /** The lowest is at least 0.93. */
  readonly isReliable: boolean
  /** Which settings these are. */
  readonly settings: string
}

/** Nominal 95 % less two points, from which a reader may take an interval at its word. */
const enough = 0.93

/** Simulated question counts; data in between are held to the smaller one. */
const fewest = 8
const many = 30

export interface RateData {
  readonly nQuestions: number
  readonly estimate: number
  readonly interval: { readonly low: number; readonly high: number; readonly level: number }
}

/**
 * The measured coverage of `rate` for data like these: as many questions, true rates that the interval leaves possible, and any
 * intraclass correlation, since a sample that misses the questions which carry a behaviour shows a low one. A rate above one
 * half is mirrored.
 */
export function coverageLikeRate({
  nQuestions,
  estimate,
  interval,
}: RateData): MeasuredCoverage | Absent {
  const simulated = simulatedCount(nQuestions, interval.level)
  if (typeof simulated !== 'number') return simulated
  const [low, high] =
    estimate > 0.5 ? [1 - interval.high, 1 - interval.low] : [interval.low, interval.high]
  const share = Math.min(estimate, 1 - estimate)
  const rows = coverageOfRate.filter((row) => row.nQuestions === simulated)
  const rates = [...new Set(rows.map((row) => row.trueRate))]
  const nearest = nearestTo(share, rates)
  const like = rows.filter(
    (row) => row.trueRate === nearest || (row.trueRate >= low && row.trueRate <= high),
  )
  return summarize(like, simulated, `rates ${listOf(like.map((row) => row.trueRate))}`)
}

/**
 * The measured coverage of `pairedDifference` for data like these: as many questions, and the simulated pair of rates whose mean
 * is nearest below the mean of the two (nearest where none is below), over all intraclass correlations.
 */
export function coverageLikeDifference(
  nQuestions: number,
  level: number,
  rates: { readonly a: number; readonly b: number },
): MeasuredCoverage | Absent {
  const simulated = simulatedCount(nQuestions, level)
  if (typeof simulated !== 'number') return simulated
  if (![rates.a, rates.b].every((rate) => rate >= 0 && rate <= 1))
    return absent('coverage was simulated for rates from 0 to 1 only')
  const middle = (rates.a + rates.b) / 2
  const share = Math.min(middle, 1 - middle)
  const rows = coverageOfDifference.filter((row) => row.nQuestions === simulated)
  const middleOf = (row: { rateA: number; rateB: number }) => (row.rateA + row.rateB) / 2
  const nearest = nearestBelow(share, rows.map(middleOf))
  const like = rows.filter((row) => middleOf(row) === nearest)
  const names = [...new Set(like.map(({ rateA, rateB }) => `${rateA} and ${rateB}`))]
  return summarize(like, simulated, `rates ${names.join('; ')}`)
}

/**
 * The measured coverage of `predictionPoweredRate` for labels in as many questions and the simulated rate nearest below the
 * estimate (nearest where none is below), over all intraclass correlations and numbers of labels.
 */
export function coverageLikePowered(
  nQuestions: number,
  level: number,
  estimate: number,
): MeasuredCoverage | Absent {
  const simulated = simulatedCount(nQuestions, level)
  if (typeof simulated !== 'number') return simulated
  const rows = coverageOfPowered.filter((row) => row.nQuestions === simulated)
  const nearest = nearestBelow(
    Math.min(estimate, 1 - estimate),
    rows.map((row) => row.trueRate),
  )
  const like = rows.filter((row) => row.trueRate === nearest)
  return summarize(like, simulated, `rate ${nearest}`)
}

export interface MatchedData extends RateData {
  readonly nInDomainQuestions: number
}

/**
 * The measured coverage of `matchedRateInterval` for data like these: as many questions of both kinds (held to the smaller simulated
 * number), true rates that the interval leaves possible, and any intraclass correlation.
 */
export function coverageLikeMatched({
  nQuestions,
  nInDomainQuestions,
  estimate,
  interval,
}: MatchedData): MeasuredCoverage | Absent {
  const simulated = simulatedCount(nQuestions, interval.level)
  if (typeof simulated !== 'number') return simulated
  const own = coverageOfMatched.filter((row) => row.nQuestions === simulated)
  const counts = own.map((row) => row.nInDomainQuestions)
  if (nInDomainQuestions < Math.min(...counts))
    return absent(
      `coverage was simulated for ${Math.min(...counts)} in-domain questions and more, there are ${nInDomainQuestions}`,
    )
  const nInDomain = nearestBelow(nInDomainQuestions, counts)
  const rows = own.filter((row) => row.nInDomainQuestions === nInDomain)
  const rates = rows.map((row) => row.trueRate)
  const nearest = nearestTo(estimate, rates)
  const like = rows.filter(
    ({ trueRate }) =>
      trueRate === nearest || (trueRate >= interval.low && trueRate <= interval.high),
  )
  const what = `${nInDomain} in-domain questions, rates ${listOf(like.map((row) => row.trueRate))}`
  return summarize(like, simulated, what)
}

function simulatedCount(nQuestions: number, level: number): number | Absent {
  if (Math.abs(level - 0.95) > 1e-9) return absent('coverage was simulated at level 0.95 only')
  if (nQuestions < fewest)
    return absent(
      `coverage was simulated for ${fewest} questions and more, there are ${nQuestions}`,
    )
  return nQuestions < many ? fewest : many
}

/** The largest value that is not above the share; the smallest where none is. */
function nearestBelow(share: number, values: readonly number[]): number {
  const below = values.filter((value) => value <= share)
  return below.length > 0 ? Math.max(...below) : Math.min(...values)
}

const nearestTo = (share: number, rates: readonly number[]) =>
  rates.reduce((best, rate) => (Math.abs(rate - share) < Math.abs(best - share) ? rate : best))

const listOf = (values: readonly number[]) => [...new Set(values)].join(', ')

function summarize(
  rows: readonly { readonly icc: number; readonly covered: number }[],
  nQuestions: number,
  what: string,
): MeasuredCoverage {
  const covered = rows.map((row) => row.covered)
  const lowest = Math.min(...covered)
  return {
    lowest,
    highest: Math.max(...covered),
    isReliable: lowest >= enough,
    settings: `${nQuestions} questions, ${what}, ICC ${listOf(rows.map((row) => row.icc))}`,
  }
}
