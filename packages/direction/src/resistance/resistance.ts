import { type Absent, absent } from '../absent.ts'
import type { CurveRow } from '../statistics/bootstrap-curve.ts'
import {
  type BootstrapOptions,
  type BootstrapValue,
  clusterBootstrap,
} from '../statistics/cluster-bootstrap.ts'
import { type MeasureName, measureCurve, measureNames } from './curve-measures.ts'
import { meanCurve, type QuestionCurves, questionCurves, seedWarnings } from './question-curves.ts'

export interface ResistancePoint {
  readonly step: number
  /** Mean of the questions' means. */
  readonly value: number
}

/** How a projection curve rises, as numbers; see `CurveMeasures` for what each means. */
export interface Resistance {
  readonly measures: Readonly<Record<MeasureName, BootstrapValue>>
  /** The mean curve that they sum up; empty where there is none. */
  readonly points: readonly ResistancePoint[]
  readonly nQuestions: number
  /** Questions without scored rows at some step: left out. */
  readonly incompleteQuestions: readonly string[]
  readonly nRows: number
  readonly nUnscored: number
  readonly seed: string | number
  readonly nResamples: number
  readonly warnings: readonly string[]
}

/**
 * Resistance to drift of one variant: mean rise, slope, half-rise step and saturation of its projection curve, with percentile
 * intervals from resampling questions. Give projections on a direction that the variant did not make, relative to the base; the
 * first step is the curve's zero.
 *
 * @param rows one per answer: its question, its checkpoint's step, its projection; null for an empty answer
 * @throws CemError `bad-row`, `bad-option`
 */
export function resistance(rows: readonly CurveRow[], options: BootstrapOptions): Resistance {
  const { curves, steps, nSeeds, ...counts } = questionCurves(rows)
  const { values, nClusters, seed, nResamples, warnings } = clusterBootstrap({
    ...options,
    clusters: curves,
    statistic: (drawn) => {
      if (steps.length < 2) return measureNames.map(() => Number.NaN)
      const measures = measureCurve(meanCurve(drawn))
      return measureNames.map((name) => measures[name])
    },
  })
  const missing = whyMissing({ curves, steps })
  const { steps: measuredSteps, values: mean } = meanCurve(curves)
  return {
    measures: byMeasure((name, index) =>
      labelled(values[index], missing ?? whyUndefined(name, steps)),
    ),
    points: measuredSteps.map((step, i) => ({ step, value: mean[i] as number })),
    nQuestions: nClusters,
    ...counts,
    seed,
    nResamples,
    warnings: [...warnings, ...seedWarnings(nSeeds)],
  }
}

export function byMeasure<T>(of: (name: MeasureName, index: number) => T): Record<MeasureName, T> {
  return Object.fromEntries(measureNames.map((name, index) => [name, of(name, index)])) as Record<
    MeasureName,
    T
  >
}

/** The reason why no measure exists at all. */
export function whyMissing({
  curves,
  steps,
}: Pick<QuestionCurves, 'curves' | 'steps'>): Absent | undefined {
  if (steps.length < 2) return absent(`a curve needs at least 2 steps, there are ${steps.length}`)
  if (curves.length === 0) return absent('no question has scored rows at every step')
  return undefined
}

/** The reason why one is undefined where others exist. */
export function whyUndefined(name: MeasureName, steps: readonly number[]): Absent {
  return name === 'saturation' && steps.length < 3
    ? absent(`saturation needs at least 3 steps, there are ${steps.length}`)
    : absent('the curve does not rise')
}

/** A bootstrap value whose absence says why. */
export function labelled(value: BootstrapValue | undefined, reason: Absent): BootstrapValue {
  if (value === undefined) return { estimate: reason, interval: reason }
  return typeof value.estimate === 'number' ? value : { estimate: reason, interval: reason }
}
