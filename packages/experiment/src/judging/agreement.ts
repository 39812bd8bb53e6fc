import { krippendorffAlpha, pairedDifference, rate, spearman } from '@cem/direction'
import { type Disagreement, pairVerdicts, type ScoreLike } from '@cem/judge'
import { type Estimate, estimateOf } from '../analysis/cell-metrics.ts'

/** A judged answer under its id, with the question that it clusters by. */
export interface AgreementRow {
  readonly row: string
  readonly question: string
  readonly verdicts: Readonly<Record<string, ScoreLike>>
}

export interface AgreementOptions {
  readonly metric: string
  /** Scores on different sides of it (at most it, above it) disagree. */
  readonly threshold: number
  readonly level: number
}

/** Two judgements of the same answers in one metric. */
export interface JudgeAgreement {
  readonly nRows: number
  readonly nBothScored: number
  /** Rows that one of the two scored and the other did not. */
  readonly nOneUnscored: number
  readonly threshold: number
  /** Share of the rows with both scores that lie on the same side of the threshold. */
  readonly sameSide: Estimate
  /** Mean of second minus first, in points, over paired questions. */
  readonly difference: Estimate
  /** Krippendorff's alpha over distances: 0.8 is the customary bound. */
  readonly alpha: Estimate
  /** Spearman's rank correlation: blind to a judge that is shifted or stretched. */
  readonly spearman: Estimate
  /** Largest first, at most `mostListed`; `nDisagreements` counts all. */
  readonly disagreements: readonly Disagreement[]
  readonly nDisagreements: number
  /** The columns that further statistics of agreement take; null where there is no score. */
  readonly columns: {
    readonly questions: readonly string[]
    readonly first: readonly (number | null)[]
    readonly second: readonly (number | null)[]
  }
}

const mostListed = 200

/**
 * How far two judgements of the same rows agree. Rows that only one of the two has are left out.
 *
 * @throws CemError `duplicate-row`
 */
export function judgeAgreement(
  first: readonly AgreementRow[],
  second: readonly AgreementRow[],
  { metric, threshold, level }: AgreementOptions,
): JudgeAgreement {
  const paired = pairVerdicts(first, second, { metric, threshold })
  const questionOf = new Map(first.map(({ row, question }) => [row, question]))
  const questions = paired.row.map((row) => questionOf.get(row) ?? '')
  const both = questions.flatMap((question, i) => {
    const [one, other] = [paired.first[i], paired.second[i]]
    return one == null || other == null ? [] : [{ question, one, other }]
  })
  const sides = both.map(({ question, one, other }) => ({
    question,
    value: one <= threshold === other <= threshold ? 1 : 0,
  }))
  const column = (pick: (pair: (typeof both)[number]) => number) =>
    both.map((pair) => ({ question: pair.question, value: pick(pair) }))
  const difference = pairedDifference(
    column(({ other }) => other),
    column(({ one }) => one),
    { level, seed: 0 },
  )
  return {
    nRows: paired.row.length,
    nBothScored: paired.bothScored,
    nOneUnscored: paired.disagreements.filter(({ kind }) => kind === 'one-unscored').length,
    threshold,
    sameSide: estimateOf(rate(sides, { level })),
    difference: estimateOf({ ...difference, n: both.length }),
    alpha: estimateOf(
      krippendorffAlpha(
        { columns: [paired.first, paired.second], questions },
        { measurement: 'interval', level },
      ),
    ),
    spearman: estimateOf(spearman({ a: paired.first, b: paired.second, questions }, { level })),
    disagreements: paired.disagreements.slice(0, mostListed),
    nDisagreements: paired.disagreements.length,
    columns: { questions, first: paired.first, second: paired.second },
  }
}
