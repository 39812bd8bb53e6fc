import { type Absent, absent, isAbsent } from '../absent.ts'
import { clusterJackknife } from './cluster-jackknife.ts'
import type { Interval } from './interval.ts'
import { checkJudgedRows, type JudgedRow } from './judged-rows.ts'

export interface RoganGladenOptions {
  /** Nominal coverage of the interval. @default 0.95 */
  readonly level?: number
  /** Rows with both labels from which the judge's errors are estimated. @default the rows themselves */
  readonly calibration?: readonly JudgedRow[]
}

export interface RoganGladen {
  /** The corrected share, cut to 0..1. */
  readonly estimate: number | Absent
  readonly interval: Interval | Absent
  /** The formula gave a number outside 0..1. */
  readonly wasCut: boolean
  /** Share of the judge's ones. */
  readonly judgeAlone: number | Absent
  /** Share of judge = 1 among human = 1. */
  readonly sensitivity: number | Absent
  /** Share of judge = 0 among human = 0. */
  readonly specificity: number | Absent
  readonly nCalibration: number
  readonly nJudgeUnscored: number
  /** Never empty: what this estimate must not be used for. */
  readonly warnings: readonly string[]
}

const contrastWarning =
  'biased for contrasts where the judge errs differently by condition: use predictionPoweredContrast'

/**
 * The share of ones behind a judge that errs: (share of the judge's ones + specificity - 1) / (sensitivity + specificity - 1)
 * (Rogan and Gladen, American Journal of Epidemiology 107, 1978). The interval leaves out one question at a time, from the rows
 * and from the calibration. Rows that the judge did not score are left out and counted.
 *
 * It takes the judge's errors to be the same wherever it is used. Where personas make it err differently, differences between
 * conditions come out wrong; `predictionPoweredRate` needs no such thing.
 *
 * @throws CemError `bad-row` for values other than 0, 1 and null; `bad-option`
 */
export function roganGladen(
  rows: readonly JudgedRow[],
  { level = 0.95, calibration = rows }: RoganGladenOptions = {},
): RoganGladen {
  checkJudgedRows(rows, true)
  checkJudgedRows(calibration, true)
  const clusters = [...clustersOf(rows, calibration).values()]
  const whole = countsOf(clusters)
  const { estimate, interval } = clusterJackknife({
    clusters,
    statistic: (groups) => corrected(countsOf(groups)),
    level,
  })
  const { judged, judgedOne, human, humanZero, truePositives, trueNegatives } = whole
  const share = (part: number, of: number, what: string) =>
    of === 0 ? absent(`no ${what}`) : part / of
  const value = isAbsent(estimate) ? absent(whyUndefined(whole)) : estimate
  const wasCut = typeof value === 'number' && (value < 0 || value > 1)
  const warnings = [contrastWarning]
  if (wasCut)
    warnings.push(
      `the formula gave ${value.toFixed(3)}: the judge's errors are not those of the calibration, or it is too small`,
    )
  return {
    estimate: typeof value === 'number' ? cut(value) : value,
    interval: isAbsent(interval)
      ? isAbsent(value)
        ? value
        : interval
      : { ...interval, low: cut(interval.low), high: cut(interval.high) },
    wasCut,
    judgeAlone: share(judgedOne, judged, 'row with a verdict of the judge'),
    sensitivity: share(truePositives, human, 'calibration row that the human labelled 1'),
    specificity: share(trueNegatives, humanZero, 'calibration row that the human labelled 0'),
    nCalibration: human + humanZero,
    nJudgeUnscored: rows.filter(({ judge }) => judge === null).length,
    warnings,
  }
}

const cut = (share: number) => Math.min(1, Math.max(0, share))

interface Counts {
  judged: number
  judgedOne: number
  /** Calibration rows that the human labelled 1, and 0. */
  human: number
  humanZero: number
  truePositives: number
  trueNegatives: number
}

const noCounts = (): Counts => ({
  judged: 0,
  judgedOne: 0,
  human: 0,
  humanZero: 0,
  truePositives: 0,
  trueNegatives: 0,
})

function clustersOf(
  rows: readonly JudgedRow[],
  calibration: readonly JudgedRow[],
): ReadonlyMap<string, Counts> {
  const clusters = new Map<string, Counts>()
  const at = (question: string) => {
    const counts = clusters.get(question) ?? noCounts()
    clusters.set(question, counts)
    return counts
  }
  for (const { question, judge } of rows) {
    if (judge === null) continue
    const counts = at(question)
    counts.judged++
    counts.judgedOne += judge
  }
  for (const { question, judge, human = null } of calibration) {
    if (judge === null || human === null) continue
    const counts = at(question)
    if (human === 1) {
      counts.human++
      counts.truePositives += judge
    } else {
      counts.humanZero++
      counts.trueNegatives += 1 - judge
    }
  }
  return clusters
}

function countsOf(clusters: readonly Counts[]): Counts {
  const sum = noCounts()
  for (const cluster of clusters)
    for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += cluster[key]
  return sum
}

/** NaN where it is undefined. */
function corrected(counts: Counts): number {
  const { judged, judgedOne, human, humanZero, truePositives, trueNegatives } = counts
  const specificity = trueNegatives / humanZero
  const youden = truePositives / human + specificity - 1
  return youden > 0 ? (judgedOne / judged + specificity - 1) / youden : Number.NaN
}

function whyUndefined({ judged, human, humanZero }: Counts): string {
  if (judged === 0) return 'the judge scored no row'
  if (human === 0) return 'no calibration row that the human labelled 1'
  if (humanZero === 0) return 'no calibration row that the human labelled 0'
  return 'sensitivity + specificity is at most 1: the judge tells nothing'
}
