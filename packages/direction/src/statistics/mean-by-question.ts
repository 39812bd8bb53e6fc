import type { Absent } from '../absent.ts'
import type { Interval, Scope } from './interval.ts'
import { groupByQuestion, questionsOnlyScope, type StatisticRow } from './rows.ts'
import { studentMean } from './student-mean.ts'

export interface MeanOptions {
  /** Nominal coverage of the interval. @default 0.95 */
  readonly level?: number
}

export interface MeanByQuestion {
  /** Mean of the questions' means: every question counts once, whatever its number of rows. */
  readonly estimate: number | Absent
  /** Scored rows. */
  readonly n: number
  readonly nUnscored: number
  /** Questions with at least one scored row. */
  readonly nQuestions: number
  readonly questionsWithoutScores: readonly string[]
  /** Standard deviation of the questions' means (divisor G - 1). */
  readonly sdBetweenQuestions: number | Absent
  readonly interval: Interval | Absent
  readonly scope: Scope
}

/**
 * The mean of per-question means, with the t(G - 1) interval over the G questions.
 *
 * @throws CemError `bad-row`, `bad-option`
 */
export function meanByQuestion(
  rows: readonly StatisticRow[],
  { level = 0.95 }: MeanOptions = {},
): MeanByQuestion {
  const { byQuestion, n, nUnscored, questionsWithoutScores } = groupByQuestion(rows)
  const means = Array.from(byQuestion.values(), (tally) => tally.sum / tally.n)
  const { estimate, sd, interval } = studentMean(means, level, 'over questions')
  return {
    estimate,
    n,
    nUnscored,
    nQuestions: means.length,
    questionsWithoutScores,
    sdBetweenQuestions: sd,
    interval,
    scope: questionsOnlyScope,
  }
}
