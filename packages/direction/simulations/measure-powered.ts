import { type RandomSource, randomSource } from '@cem/core'
import {
  isAbsent,
  type JudgedRow,
  pairedDifference,
  predictionPoweredContrast,
  predictionPoweredRate,
  rate,
} from '../src/index.ts'
import { contains, nSamples, type Setting, sharedVariance } from './measure.ts'
import { binomial, rateAt, spreadFor } from './question-rates.ts'

export interface PoweredSetting extends Setting {
  /** Labelled answers of a question, of 50. */
  readonly nLabelled: number
}

interface Errors {
  readonly sensitivity: number
  readonly specificity: number
}

const goodJudge: Errors = { sensitivity: 0.9, specificity: 0.95 }
/** The same judge on a persona whose style misleads it. */
const misledJudge: Errors = { sensitivity: 0.6, specificity: 0.85 }

export interface PoweredCoverage {
  readonly covered: number
  readonly withoutInterval: number
  readonly coveredByLabelsAlone: number
  /** `rate` on the judge's labels, as if it did not err. */
  readonly coveredByJudgeAlone: number
  readonly meanWidth: number
  readonly meanWidthOfLabelsAlone: number
  readonly reliable: number
  readonly coveredWhenReliable: number
  /** p <= 0.05 of `predictionPoweredContrast` where the true rates are equal and the judge errs differently. */
  readonly falsePositives: number
  /** The same by `pairedDifference` on the judge's labels. */
  readonly falsePositivesByJudge: number
}

/** Coverage of `predictionPoweredRate`, false positives of `predictionPoweredContrast`. */
export function measurePowered({
  trueRate,
  nQuestions,
  icc,
  nLabelled,
  nReplicates,
  seed,
}: PoweredSetting): PoweredCoverage {
  const source = randomSource('powered', trueRate, nQuestions, icc, nLabelled, seed)
  const spread = spreadFor(trueRate, icc)
  const counts = {
    covered: 0,
    absent: 0,
    labels: 0,
    judge: 0,
    reliable: 0,
    good: 0,
    byPowered: 0,
    byJudge: 0,
  }
  const widths = { powered: 0, labels: 0 }
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const sides: [JudgedRow[], JudgedRow[]] = [[], []]
    for (let q = 0; q < nQuestions; q++) {
      const common = Math.sqrt(sharedVariance) * source.normal()
      for (const [index, side] of sides.entries()) {
        const { sensitivity, specificity } = index === 0 ? goodJudge : misledJudge
        const p = rateAt(spread, common + Math.sqrt(1 - sharedVariance) * source.normal())
        const errors = { sensitivity, specificity }
        side.push(...rowsOf(source, String(q), p, errors, nLabelled, true))
        side.push(...rowsOf(source, String(q), p, errors, nSamples - nLabelled, false))
      }
    }
    const [a, b] = sides
    const result = predictionPoweredRate(a)
    const isCovered = contains(result.interval, trueRate)
    if (isCovered) counts.covered++
    if (result.isReliable) {
      counts.reliable++
      if (isCovered) counts.good++
    }
    if (isAbsent(result.interval)) counts.absent++
    else widths.powered += result.interval.high - result.interval.low
    const labels = result.labelsAlone.interval
    if (contains(labels, trueRate)) counts.labels++
    if (!isAbsent(labels)) widths.labels += labels.high - labels.low
    const byJudge = (rows: readonly JudgedRow[]) =>
      rows.map(({ question, judge }) => ({ question, value: judge }))
    if (contains(rate(byJudge(a)).interval, trueRate)) counts.judge++
    const contrast = predictionPoweredContrast(a, b)
    if (!isAbsent(contrast.p) && contrast.p <= 0.05) counts.byPowered++
    const naive = pairedDifference(byJudge(a), byJudge(b), { nRandomPatterns: 99 })
    if (!isAbsent(naive.p) && naive.p <= 0.05) counts.byJudge++
  }
  const share = (count: number) => count / nReplicates
  return {
    covered: counts.covered / (nReplicates - counts.absent),
    withoutInterval: share(counts.absent),
    coveredByLabelsAlone: share(counts.labels),
    coveredByJudgeAlone: share(counts.judge),
    meanWidth: widths.powered / nReplicates,
    meanWidthOfLabelsAlone: widths.labels / nReplicates,
    reliable: share(counts.reliable),
    coveredWhenReliable: counts.good / counts.reliable,
    falsePositives: share(counts.byPowered),
    falsePositivesByJudge: share(counts.byJudge),
  }
}

/** n answers to a question whose rate is p: the judge's label, and the truth where they are labelled. */
function rowsOf(
  source: RandomSource,
  question: string,
  p: number,
  { sensitivity, specificity }: Errors,
  n: number,
  isLabelled: boolean,
): JudgedRow[] {
  const nTrue = binomial(source, n, p)
  const caught = binomial(source, nTrue, sensitivity)
  const cleared = binomial(source, n - nTrue, specificity)
  const rows: JudgedRow[] = []
  const add = (count: number, truth: number, judge: number) => {
    for (let i = 0; i < count; i++) rows.push({ question, judge, human: isLabelled ? truth : null })
  }
  add(caught, 1, 1)
  add(nTrue - caught, 1, 0)
  add(cleared, 0, 0)
  add(n - nTrue - cleared, 0, 1)
  return rows
}
