import { type Absent, absent, isAbsent } from '../absent.ts'
import { checkProbability } from '../options.ts'
import { studentTwoSidedP } from './distributions.ts'
import type { Interval, Scope } from './interval.ts'
import type { JudgedRow } from './judged-rows.ts'
import { influenceVariance, type PoweredSums, poweredSums } from './prediction-powered.ts'
import {
  checkLambda,
  labelWarnings,
  type PredictionPoweredOptions,
  spreadOf,
} from './prediction-powered-rate.ts'
import { questionsOnlyScope } from './rows.ts'

export interface PredictionPoweredContrast {
  /** a - b. */
  readonly estimate: number | Absent
  readonly standardError: number | Absent
  readonly interval: Interval | Absent
  readonly degreesOfFreedom: number | Absent
  readonly t: number | Absent
  /** Two-sided p of 'no difference'. */
  readonly p: number | Absent
  readonly a: ContrastSide | Absent
  readonly b: ContrastSide | Absent
  readonly scope: Scope
  /** The difference has an interval and nothing is warned about: false positives stay at most 7 % (docs/statistics.md). */
  readonly isReliable: boolean
  readonly warnings: readonly string[]
}

export interface ContrastSide {
  readonly estimate: number
  readonly lambda: number
  readonly nLabelled: number
  readonly nUnlabelled: number
  readonly nJudgeUnscored: number
}

/**
 * The difference a - b of two conditions, each estimated as in `predictionPoweredRate` with its own lambda from its own labels, so
 * that a judge that errs differently on the two does not bias it. Both conditions' influence is summed within a question before
 * it is squared (questions are paired); t on the smaller number of labelled questions - 1.
 *
 * @throws CemError `bad-row`, `bad-option`
 */
export function predictionPoweredContrast(
  a: readonly JudgedRow[],
  b: readonly JudgedRow[],
  { level = 0.95, lambda = 'tuned' }: PredictionPoweredOptions = {},
): PredictionPoweredContrast {
  checkProbability('level', level)
  checkLambda(lambda)
  const [sumsA, sumsB] = [poweredSums(a, lambda), poweredSums(b, lambda)]
  if (sumsA === undefined || sumsB === undefined) return unlabelled(sumsA, sumsB)
  const nQuestions = Math.min(sumsA.labelledQuestions.size, sumsB.labelledQuestions.size)
  const estimate = sumsA.estimate - sumsB.estimate
  const variance = influenceVariance(differenceOf(sumsA.influence, sumsB.influence), nQuestions)
  const { standardError, interval } = spreadOf(estimate, variance, nQuestions, level)
  const t = isAbsent(standardError) ? standardError : estimate / standardError
  const warnings = [
    ...labelWarnings(sumsA).map((warning) => `a: ${warning}`),
    ...labelWarnings(sumsB).map((warning) => `b: ${warning}`),
  ]
  return {
    estimate,
    standardError,
    interval,
    degreesOfFreedom: isAbsent(standardError) ? standardError : nQuestions - 1,
    t,
    p: isAbsent(t) ? t : studentTwoSidedP(t, nQuestions - 1),
    a: sideOf(sumsA),
    b: sideOf(sumsB),
    scope: questionsOnlyScope,
    isReliable: warnings.length === 0 && !isAbsent(interval),
    warnings,
  }
}

function differenceOf(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const difference = new Map(a)
  for (const [question, value] of b)
    difference.set(question, (difference.get(question) ?? 0) - value)
  return difference
}

const sideOf = ({
  estimate,
  lambda,
  nLabelled,
  nUnlabelled,
  nJudgeUnscored,
}: PoweredSums): ContrastSide => ({ estimate, lambda, nLabelled, nUnlabelled, nJudgeUnscored })

function unlabelled(
  a: PoweredSums | undefined,
  b: PoweredSums | undefined,
): PredictionPoweredContrast {
  const reason = `no row of ${a === undefined ? 'a' : 'b'} has a human label`
  const none = absent(reason)
  return {
    estimate: none,
    standardError: none,
    interval: none,
    degreesOfFreedom: none,
    t: none,
    p: none,
    a: a === undefined ? none : sideOf(a),
    b: b === undefined ? none : sideOf(b),
    scope: questionsOnlyScope,
    isReliable: false,
    warnings: [
      `${reason}: a judge that errs differently on the two conditions would bias the difference`,
    ],
  }
}
