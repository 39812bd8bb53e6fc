import { checkJudgedRows, type JudgedRow } from './judged-rows.ts'

/** What an estimate and its variance need of one condition. */
export interface PoweredSums {
  readonly estimate: number
  readonly lambda: number
  readonly nLabelled: number
  readonly nUnlabelled: number
  readonly nJudgeUnscored: number
  /** Questions with at least one labelled row. */
  readonly labelledQuestions: ReadonlySet<string>
  /** By question: the sum of its rows' influence on the estimate. They add up to 0. */
  readonly influence: ReadonlyMap<string, number>
  /** The same for the labels alone (lambda = 0). */
  readonly labelsInfluence: ReadonlyMap<string, number>
  readonly labelsMean: number
  /** Labels that are 1 and labels that are 0; undefined where there are others. */
  readonly labelCounts: { readonly ones: number; readonly zeros: number } | undefined
}

/**
 * With labelled rows L (n) and the others U (N), y the human's values, f the judge's:
 * estimate = mean_L y + lambda (mean_U f - mean_L f). lambda = 'tuned' takes PPI++'s
 * cov_L(y, f) / ((1 + n/N) var(f)), cut to [0, 1] (Angelopoulos, Duchi and Zrnic, arXiv:2311.01453, after Angelopoulos et al.,
 * Science 382, 2023). Any lambda leaves the estimate unbiased; it only sets how much the judge helps.
 *
 * A row that the judge did not score gets the mean of f, which tells nothing; its human label counts all the same. So the
 * estimate is about ALL rows, also those that the judge refused.
 *
 * @returns undefined without a labelled row
 * @throws CemError `bad-row`
 */
export function poweredSums(
  rows: readonly JudgedRow[],
  lambda: number | 'tuned',
): PoweredSums | undefined {
  checkJudgedRows(rows)
  const scores = rows.flatMap(({ judge }) => judge ?? [])
  const fill = mean(scores)
  const all = rows.map(({ question, judge, human = null }) => ({
    question,
    f: judge ?? fill,
    y: human,
  }))
  const labelled = all.flatMap(({ question, f, y }) => (y === null ? [] : [{ question, f, y }]))
  const unlabelled = all.filter(({ y }) => y === null)
  const [n, nOther] = [labelled.length, unlabelled.length]
  if (n === 0) return undefined
  const meanY = mean(labelled.map(({ y }) => y))
  const meanF = mean(labelled.map(({ f }) => f))
  const otherMeanF = mean(unlabelled.map(({ f }) => f))
  const used = nOther === 0 ? 0 : lambda === 'tuned' ? tunedLambda(labelled, all, nOther) : lambda
  const influence = new Map<string, number>()
  const labelsInfluence = new Map<string, number>()
  const add = (sums: Map<string, number>, question: string, value: number) =>
    sums.set(question, (sums.get(question) ?? 0) + value)
  for (const { question, f, y } of labelled) {
    add(labelsInfluence, question, (y - meanY) / n)
    add(influence, question, (y - meanY - used * (f - meanF)) / n)
  }
  for (const { question, f } of unlabelled)
    add(influence, question, (used * (f - otherMeanF)) / nOther)
  const ones = labelled.filter(({ y }) => y === 1).length
  const zeros = labelled.filter(({ y }) => y === 0).length
  return {
    estimate: meanY + used * (otherMeanF - meanF),
    lambda: used,
    nLabelled: n,
    nUnlabelled: nOther,
    nJudgeUnscored: rows.length - scores.length,
    labelledQuestions: new Set(labelled.map(({ question }) => question)),
    influence,
    labelsInfluence,
    labelsMean: meanY,
    labelCounts: ones + zeros === n ? { ones, zeros } : undefined,
  }
}

function tunedLambda(
  labelled: readonly { readonly f: number; readonly y: number }[],
  all: readonly { readonly f: number }[],
  nOther: number,
): number {
  const n = labelled.length
  if (n < 2) return 0
  const [meanY, meanF] = [mean(labelled.map(({ y }) => y)), mean(labelled.map(({ f }) => f))]
  const covariance = labelled.reduce((sum, { f, y }) => sum + (f - meanF) * (y - meanY), 0) / n
  const meanOfAll = mean(all.map(({ f }) => f))
  const variance = all.reduce((sum, { f }) => sum + (f - meanOfAll) ** 2, 0) / (all.length - 1)
  if (variance === 0) return 0
  return Math.min(1, Math.max(0, covariance / ((1 + n / nOther) * variance)))
}

/** 0 for an empty list: nothing depends on it then. */
const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** G / (G - 1) * sum of squares of the questions' influence, the cluster-robust variance for G labelled questions; 0 for one. */
export function influenceVariance(
  influence: ReadonlyMap<string, number>,
  nLabelledQuestions: number,
): number {
  if (nLabelledQuestions < 2) return 0
  let squares = 0
  for (const value of influence.values()) squares += value * value
  return (nLabelledQuestions / (nLabelledQuestions - 1)) * squares
}
