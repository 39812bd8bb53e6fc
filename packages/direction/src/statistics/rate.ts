import { type Absent, absent, isAbsent } from '../absent.ts'
import { checkNotNegative, checkProbability, checkShare } from '../options.ts'
import { studentQuantile } from './distributions.ts'
import type { Interval, Scope } from './interval.ts'
import { coverageLikeRate, type MeasuredCoverage } from './measured-coverage.ts'
import {
  checkBinary,
  groupByQuestion,
  questionsOnlyScope,
  type StatisticRow,
  type Tally,
} from './rows.ts'
import { wilson } from './wilson.ts'

export interface RateOptions {
  /** Nominal coverage of the interval. @default 0.95 */
  readonly level?: number
  /** The intraclass correlation that the design effect is pulled towards, from 0 to 1. @default 0.3 */
  readonly priorIcc?: number
  /** How many degrees of freedom that prior is worth beside the G - 1 of the data; 0 turns it off. @default 1 */
  readonly priorDegreesOfFreedom?: number
}

export interface Rate {
  /** Share of scored rows with value 1: every row counts once. */
  readonly estimate: number | Absent
  /** Scored rows. */
  readonly n: number
  readonly nUnscored: number
  /** Questions with at least one scored row. */
  readonly nQuestions: number
  readonly questionsWithoutScores: readonly string[]
  /** n / designEffect. */
  readonly nEffective: number | Absent
  /** The design effect that the interval uses: the estimated one and the prior together, at least 1. */
  readonly designEffect: number | Absent
  /** Cluster-robust variance over simple-random-sampling variance, from these rows alone; can be below 1. */
  readonly estimatedDesignEffect: number | Absent
  readonly interval: Interval | Absent
  /** How often such intervals held the truth in simulation. */
  readonly coverage: MeasuredCoverage | Absent
  /** The interval exists, covers about as often as it promises, and nothing is warned about. */
  readonly isReliable: boolean
  readonly scope: Scope
  /** What a reader has to know before trusting the interval; empty where there is nothing. */
  readonly warnings: readonly string[]
}

/**
 * A rate with Wilson's interval on the effective sample size, clusters = questions.
 *
 * With y the values, p their mean, n rows, G questions of m_g rows:
 * - V_cluster = G / (G - 1) * sum_g (sum_{i in g} (y_i - p))^2 / n^2, the linearised variance of a ratio of cluster totals
 *   (Cochran, Sampling Techniques, 1977, ch. 6; the same as a cluster-robust intercept);
 * - V_simple = p (1 - p) / (n - 1), what n independent rows would give;
 * - estimatedDesignEffect = V_cluster / V_simple (Kish, Survey Sampling, 1965);
 * - prior = 1 + (sum_g m_g^2 / n - 1) * priorIcc, Kish's formula for unequal clusters;
 * - designEffect = max(1, ((G - 1) estimatedDesignEffect + k prior) / (G - 1 + k)), k = priorDegreesOfFreedom;
 * - nEffective = n / designEffect, and Wilson's formula with the critical value t(G - 1).
 *
 * Why a prior: with few successes the estimate goes to 1 whatever the clustering is (one success in 400 rows gives exactly 1).
 * At a true rate of 2 %, an intraclass correlation of 0.3 and 8 questions of 50 answers, the interval covers 69 % of the time
 * without it and 98 % with it (README). It weighs 1/8 at 8 questions, 1/30 at 30.
 *
 * Where all rows are 0 or all are 1, both variances are 0: the estimate is absent, and its limit for one deviating row, 1,
 * takes its place beside the prior, so that no interval at 0 successes is wider than the one at 1. With a single question no
 * variance between questions can be seen: the interval is absent.
 *
 * @throws CemError `bad-row` for a value other than 0, 1 or null; `bad-option`
 */
export function rate(
  rows: readonly StatisticRow[],
  { level = 0.95, priorIcc = 0.3, priorDegreesOfFreedom = 1 }: RateOptions = {},
): Rate {
  checkProbability('level', level)
  checkShare('priorIcc', priorIcc)
  checkNotNegative('priorDegreesOfFreedom', priorDegreesOfFreedom)
  for (const [index, row] of rows.entries()) checkBinary(row, index)
  const grouped = groupByQuestion(rows)
  const { n, nUnscored, nSeeds, questionsWithoutScores } = grouped
  const tallies = [...grouped.byQuestion.values()]
  const nQuestions = tallies.length
  const base = { n, nUnscored, nQuestions, questionsWithoutScores, scope: questionsOnlyScope }
  if (n === 0) return withoutInterval(base, absent('no scored rows'), absent('no scored rows'))
  const estimate = tallies.reduce((sum, tally) => sum + tally.sum, 0) / n
  if (nQuestions === 1)
    return withoutInterval(
      base,
      estimate,
      absent('one question: nothing shows how much questions differ'),
    )
  const estimatedDesignEffect = estimateDesignEffect(tallies, n, estimate)
  const designEffect = pullTowardsPrior(
    typeof estimatedDesignEffect === 'number' ? estimatedDesignEffect : 1,
    nQuestions - 1,
    1 + (sumOfSquaredSizes(tallies) / n - 1) * priorIcc,
    priorDegreesOfFreedom,
  )
  const nEffective = n / designEffect
  const critical = studentQuantile((1 + level) / 2, nQuestions - 1)
  const method = `Wilson on effective n, t(${nQuestions - 1})`
  const interval = { ...wilson(estimate, nEffective, critical), level, method }
  const coverage = coverageLikeRate({ nQuestions, estimate, interval })
  const warnings = warningsFor(estimate, nEffective, nSeeds)
  return {
    ...base,
    estimate,
    nEffective,
    designEffect,
    estimatedDesignEffect,
    interval,
    coverage,
    isReliable: warnings.length === 0 && !isAbsent(coverage) && coverage.isReliable,
    warnings,
  }
}

function withoutInterval(
  base: Pick<Rate, 'n' | 'nUnscored' | 'nQuestions' | 'questionsWithoutScores' | 'scope'>,
  estimate: number | Absent,
  reason: Absent,
): Rate {
  return {
    ...base,
    estimate,
    nEffective: reason,
    designEffect: reason,
    estimatedDesignEffect: reason,
    interval: reason,
    coverage: reason,
    isReliable: false,
    warnings: [],
  }
}

function estimateDesignEffect(
  tallies: readonly Tally[],
  n: number,
  share: number,
): number | Absent {
  if (share === 0 || share === 1) return absent(`every row is ${share}: no variance to compare`)
  const nQuestions = tallies.length
  const squares = tallies.reduce((sum, tally) => sum + (tally.sum - tally.n * share) ** 2, 0)
  const clustered = ((nQuestions / (nQuestions - 1)) * squares) / n ** 2
  return clustered / ((share * (1 - share)) / (n - 1))
}

const sumOfSquaredSizes = (tallies: readonly Tally[]) =>
  tallies.reduce((sum, tally) => sum + tally.n ** 2, 0)

/** Mean of the two, weighted by their degrees of freedom, and at least 1. */
function pullTowardsPrior(
  estimated: number,
  degreesOfFreedom: number,
  prior: number,
  priorDegreesOfFreedom: number,
): number {
  const weighted = estimated * degreesOfFreedom + prior * priorDegreesOfFreedom
  return Math.max(1, weighted / (degreesOfFreedom + priorDegreesOfFreedom))
}

function warningsFor(share: number, nEffective: number, nSeeds: number): string[] {
  const warnings: string[] = []
  if (Math.min(share, 1 - share) * nEffective < 5)
    warnings.push(
      'fewer than 5 effective answers of the rarer kind: unreliable, such intervals covered 71-99 % instead of 95 % in simulation',
    )
  if (nSeeds > 1)
    warnings.push(
      `${nSeeds} training seeds are pooled: their variance is not in the interval, use crossedMean`,
    )
  return warnings
}
