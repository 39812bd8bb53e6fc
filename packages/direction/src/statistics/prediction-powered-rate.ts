import { type Absent, absent, isAbsent } from '../absent.ts'
import { checkProbability, checkShare } from '../options.ts'
import { studentQuantile } from './distributions.ts'
import type { Interval, Scope } from './interval.ts'
import type { JudgedRow } from './judged-rows.ts'
import { coverageLikePowered, type MeasuredCoverage } from './measured-coverage.ts'
import { influenceVariance, type PoweredSums, poweredSums } from './prediction-powered.ts'
import { questionsOnlyScope } from './rows.ts'

export interface PredictionPoweredOptions {
  /** Nominal coverage of the interval. @default 0.95 */
  readonly level?: number
  /** How much the judge counts: `tuned` by PPI++, 1 as in the first paper, 0 for the labels alone. @default 'tuned' */
  readonly lambda?: number | 'tuned'
}

export interface PredictionPoweredRate {
  /** Share (or mean) over all rows, also those that the judge did not score. Not cut to 0..1: cutting would bias contrasts. */
  readonly estimate: number | Absent
  readonly standardError: number | Absent
  readonly interval: Interval | Absent
  /** How much the judge counted. */
  readonly lambda: number | Absent
  readonly nLabelled: number
  readonly nUnlabelled: number
  readonly nJudgeUnscored: number
  /** Questions with at least one labelled row; the degrees of freedom are one less. */
  readonly nLabelledQuestions: number
  /** The mean of the human labels alone. */
  readonly labelsAlone: { readonly estimate: number | Absent; readonly interval: Interval | Absent }
  /** The mean of the judge's values over the rows that it scored: what is reported without any label. */
  readonly judgeAlone: number | Absent
  /** judgeAlone - estimate: by how much the judge is off. */
  readonly judgeBias: number | Absent
  readonly scope: Scope
  /** How often such intervals held the truth in simulation, for labels of 0 and 1. */
  readonly coverage: MeasuredCoverage | Absent
  /** The interval exists, covers about as often as it promises, and nothing is warned about. */
  readonly isReliable: boolean
  readonly warnings: readonly string[]
}

/**
 * A rate (or a mean) from the judge's values of all rows and the human labels of a RANDOM subset of them: unbiased whatever the
 * judge's errors are, and narrower than the labels alone where the judge is good. Formulas at `poweredSums`; the variance sums
 * the influence of a question's rows, labelled or not, before it is squared, with t on labelled questions - 1.
 *
 * Rows must be labelled at random within the condition. Labels that were picked by the judge's score make every number here wrong.
 *
 * @throws CemError `bad-row`, `bad-option`
 */
export function predictionPoweredRate(
  rows: readonly JudgedRow[],
  { level = 0.95, lambda = 'tuned' }: PredictionPoweredOptions = {},
): PredictionPoweredRate {
  checkProbability('level', level)
  checkLambda(lambda)
  const sums = poweredSums(rows, lambda)
  const scored = rows.flatMap(({ judge }) => judge ?? [])
  const judgeAlone =
    scored.length === 0
      ? absent('the judge scored no row')
      : scored.reduce((sum, value) => sum + value, 0) / scored.length
  if (sums === undefined) return unlabelled(rows, scored.length, judgeAlone)
  const { estimate, nLabelled, nUnlabelled, nJudgeUnscored, labelledQuestions } = sums
  const powered = spreadOf(
    estimate,
    influenceVariance(sums.influence, labelledQuestions.size),
    labelledQuestions.size,
    level,
  )
  const warnings = labelWarnings(sums)
  const coverage = coverageOf(sums, powered.interval, level)
  return {
    estimate,
    ...powered,
    lambda: sums.lambda,
    nLabelled,
    nUnlabelled,
    nJudgeUnscored,
    nLabelledQuestions: labelledQuestions.size,
    labelsAlone: {
      estimate: sums.labelsMean,
      interval: spreadOf(
        sums.labelsMean,
        influenceVariance(sums.labelsInfluence, labelledQuestions.size),
        labelledQuestions.size,
        level,
      ).interval,
    },
    judgeAlone,
    judgeBias: typeof judgeAlone === 'number' ? judgeAlone - estimate : judgeAlone,
    scope: questionsOnlyScope,
    coverage,
    isReliable: warnings.length === 0 && !isAbsent(coverage) && coverage.isReliable,
    warnings,
  }
}

function coverageOf(
  { estimate, labelCounts, labelledQuestions }: PoweredSums,
  interval: Interval | Absent,
  level: number,
): MeasuredCoverage | Absent {
  if (isAbsent(interval)) return interval
  if (labelCounts === undefined) return absent('coverage was simulated for labels of 0 and 1 only')
  return coverageLikePowered(labelledQuestions.size, level, estimate)
}

function unlabelled(
  rows: readonly JudgedRow[],
  nScored: number,
  judgeAlone: number | Absent,
): PredictionPoweredRate {
  const none = absent('no row has a human label')
  return {
    estimate: none,
    standardError: none,
    interval: none,
    lambda: none,
    nLabelled: 0,
    nUnlabelled: rows.length,
    nJudgeUnscored: rows.length - nScored,
    nLabelledQuestions: 0,
    labelsAlone: { estimate: none, interval: none },
    judgeAlone,
    judgeBias: none,
    scope: questionsOnlyScope,
    coverage: none,
    isReliable: false,
    warnings: ['no row has a human label: nothing shows how often the judge is wrong'],
  }
}

/** t interval around an estimate whose variance comes from this many labelled questions. */
export function spreadOf(
  estimate: number,
  variance: number,
  nQuestions: number,
  level: number,
): { standardError: number | Absent; interval: Interval | Absent } {
  const none = (reason: string) => ({ standardError: absent(reason), interval: absent(reason) })
  if (nQuestions < 2)
    return none(`labels in ${nQuestions} question: nothing shows how much questions differ`)
  const standardError = Math.sqrt(variance)
  if (standardError <= 1e-12) return none('no row differs from the others: no variance to estimate')
  const half = studentQuantile((1 + level) / 2, nQuestions - 1) * standardError
  return {
    standardError,
    interval: {
      low: estimate - half,
      high: estimate + half,
      level,
      method: `prediction-powered, clustered by question, t(${nQuestions - 1})`,
    },
  }
}

export function checkLambda(lambda: number | 'tuned'): void {
  if (lambda !== 'tuned') checkShare('lambda', lambda)
}

/** What makes the interval cover less than it promises. */
export function labelWarnings({ labelCounts, labelledQuestions }: PoweredSums): string[] {
  const warnings: string[] = []
  if (labelledQuestions.size < 8)
    warnings.push(
      `labels in ${labelledQuestions.size} questions: unreliable below 8, label rows of more questions`,
    )
  if (labelCounts !== undefined && Math.min(labelCounts.ones, labelCounts.zeros) < 5)
    warnings.push(
      `${labelCounts.ones} labels are 1 and ${labelCounts.zeros} are 0: unreliable with fewer than 5 of the rarer kind, label more rows`,
    )
  return warnings
}
