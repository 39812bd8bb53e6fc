import { type Absent, absent, isAbsent } from '../absent.ts'
import { checkWhole } from '../options.ts'
import { studentTwoSidedP } from './distributions.ts'
import type { Interval, Scope } from './interval.ts'
import { coverageLikeDifference, type MeasuredCoverage } from './measured-coverage.ts'
import {
  type GroupedRows,
  groupByQuestion,
  questionsOnlyScope,
  type StatisticRow,
  type Tally,
} from './rows.ts'
import { type SignFlip, signFlip } from './sign-flip.ts'
import { studentMean } from './student-mean.ts'

export interface PairedDifferenceOptions {
  /** Nominal coverage of the interval. @default 0.95 */
  readonly level?: number
  /** Seed of the random sign patterns that stand for all of them above 20 questions. @default 0 */
  readonly seed?: string | number
  /** How many of them, at least 99. @default 9999 */
  readonly nRandomPatterns?: number
}

export interface QuestionDifference {
  readonly question: string
  /** Mean of a's rows minus mean of b's rows. */
  readonly difference: number
}

export interface PairedDifference {
  /** Mean over the shared questions of (mean of a - mean of b). */
  readonly estimate: number | Absent
  /** Questions with scored rows on both sides. */
  readonly nQuestions: number
  /** Questions with scored rows in a alone: not in the estimate. */
  readonly onlyInA: readonly string[]
  readonly onlyInB: readonly string[]
  /** Questions that have rows, but no scored row on either side. */
  readonly questionsWithoutScores: readonly string[]
  readonly nUnscored: { readonly a: number; readonly b: number }
  readonly differences: readonly QuestionDifference[]
  /** Standard deviation of the per-question differences (divisor G - 1). */
  readonly sdOfDifferences: number | Absent
  readonly standardError: number | Absent
  readonly degreesOfFreedom: number | Absent
  readonly t: number | Absent
  /** Two-sided p of t. */
  readonly p: number | Absent
  readonly signFlip: SignFlip | Absent
  readonly interval: Interval | Absent
  /** How often such intervals held the truth in simulation, for values from 0 to 1. */
  readonly coverage: MeasuredCoverage | Absent
  /** The interval exists and covers about as often as it promises. */
  readonly isReliable: boolean
  readonly scope: Scope
}

/**
 * The difference a - b, paired by question: t(G - 1) over the per-question differences, and the sign-flip test beside it.
 * Every shared question counts once, whatever its number of rows.
 *
 * @throws CemError `bad-row`, `bad-option`
 */
export function pairedDifference(
  a: readonly StatisticRow[],
  b: readonly StatisticRow[],
  { level = 0.95, seed = 0, nRandomPatterns = 9999 }: PairedDifferenceOptions = {},
): PairedDifference {
  checkWhole('nRandomPatterns', nRandomPatterns, 99)
  const groupsA = groupByQuestion(a)
  const groupsB = groupByQuestion(b)
  const differences = differencesOf(groupsA.byQuestion, groupsB.byQuestion)
  const values = differences.map(({ difference }) => difference)
  const nQuestions = values.length
  const { estimate, sd, standardError, interval } = studentMean(
    values,
    level,
    'over per-question differences',
  )
  const test = studentTest(estimate, standardError, nQuestions)
  const noPair = absent('no question has scored rows on both sides')
  const coverage = isAbsent(interval)
    ? interval
    : coverageLikeDifference(nQuestions, level, meansOf(groupsA.byQuestion, groupsB.byQuestion))
  return {
    estimate: nQuestions === 0 ? noPair : estimate,
    nQuestions,
    onlyInA: missingFrom(groupsA.byQuestion, groupsB.byQuestion),
    onlyInB: missingFrom(groupsB.byQuestion, groupsA.byQuestion),
    questionsWithoutScores: withoutScores(groupsA, groupsB),
    nUnscored: { a: groupsA.nUnscored, b: groupsB.nUnscored },
    differences,
    sdOfDifferences: nQuestions === 0 ? noPair : sd,
    standardError: nQuestions === 0 ? noPair : standardError,
    interval: nQuestions === 0 ? noPair : interval,
    coverage: nQuestions === 0 ? noPair : coverage,
    isReliable: !isAbsent(coverage) && coverage.isReliable,
    ...test,
    signFlip: nQuestions === 0 ? noPair : signFlip(values, { seed, nRandomPatterns }),
    scope: questionsOnlyScope,
  }
}

function differencesOf(
  a: ReadonlyMap<string, Tally>,
  b: ReadonlyMap<string, Tally>,
): QuestionDifference[] {
  const differences: QuestionDifference[] = []
  for (const [question, tally] of a) {
    const other = b.get(question)
    if (other === undefined) continue
    differences.push({ question, difference: tally.sum / tally.n - other.sum / other.n })
  }
  return differences
}

/** Means of a and b over the shared questions; NaN for values outside 0 to 1, where one question's mean lies outside. */
function meansOf(
  a: ReadonlyMap<string, Tally>,
  b: ReadonlyMap<string, Tally>,
): { a: number; b: number } {
  const sums = { a: 0, b: 0, n: 0 }
  for (const [question, tally] of a) {
    const other = b.get(question)
    if (other === undefined) continue
    const [meanA, meanB] = [tally.sum / tally.n, other.sum / other.n]
    if (Math.min(meanA, meanB) < 0 || Math.max(meanA, meanB) > 1)
      return { a: Number.NaN, b: Number.NaN }
    sums.a += meanA
    sums.b += meanB
    sums.n++
  }
  return { a: sums.a / sums.n, b: sums.b / sums.n }
}

const missingFrom = (a: ReadonlyMap<string, Tally>, b: ReadonlyMap<string, Tally>) =>
  [...a.keys()].filter((question) => !b.has(question))

const withoutScores = (a: GroupedRows, b: GroupedRows) =>
  [...new Set([...a.questionsWithoutScores, ...b.questionsWithoutScores])].filter(
    (question) => !a.byQuestion.has(question) && !b.byQuestion.has(question),
  )

function studentTest(
  estimate: number | Absent,
  standardError: number | Absent,
  nQuestions: number,
): Pick<PairedDifference, 't' | 'p' | 'degreesOfFreedom'> {
  if (typeof estimate !== 'number' || typeof standardError !== 'number') {
    const few = absent(`t needs at least 2 shared questions, there are ${nQuestions}`)
    return { t: few, p: few, degreesOfFreedom: few }
  }
  const degreesOfFreedom = nQuestions - 1
  if (standardError === 0) {
    const flat = absent('all per-question differences are equal: no variance to estimate')
    return { t: flat, p: flat, degreesOfFreedom }
  }
  const t = estimate / standardError
  return { t, p: studentTwoSidedP(t, degreesOfFreedom), degreesOfFreedom }
}
