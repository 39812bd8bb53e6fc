import { absent } from '../absent.ts'
import type { CurveRow } from '../statistics/bootstrap-curve.ts'
import {
  type BootstrapOptions,
  type BootstrapValue,
  clusterBootstrap,
} from '../statistics/cluster-bootstrap.ts'
import { type PairedDifference, pairedDifference } from '../statistics/paired-difference.ts'
import {
  type Curve,
  crossingStep,
  type MeasureName,
  measureCurve,
  measureNames,
} from './curve-measures.ts'
import { meanCurve, type QuestionCurve, questionCurves, seedWarnings } from './question-curves.ts'
import { byMeasure, labelled, whyMissing, whyUndefined } from './resistance.ts'

export interface ResistanceDifferenceOptions extends BootstrapOptions {
  /** The answers of the variant. */
  readonly variant: readonly CurveRow[]
  /** The answers of the baseline, projected on the same direction. */
  readonly baseline: readonly CurveRow[]
}

export interface ResistanceDifference {
  /** Variant minus baseline, paired by question: negative area, slope and rise = more resistant. */
  readonly differences: Readonly<Record<MeasureName, BootstrapValue>>
  /**
   * Steps from where the baseline reached half of its rise to where the variant rises as far; positive = more resistant. Absent
   * where the variant never does.
   */
  readonly delay: BootstrapValue
  /**
   * Area and slope are means over questions, so their differences have the paired t test, the interval and the sign-flip p that
   * hold their level with few questions.
   */
  readonly tests: { readonly area: PairedDifference; readonly slope: PairedDifference }
  /** Steps that both have. */
  readonly steps: readonly number[]
  readonly stepsOfOne: readonly number[]
  /** Questions that are complete in both. */
  readonly nQuestions: number
  /** Questions left out: in one alone, or without scored rows at some shared step. */
  readonly questionsLeftOut: readonly string[]
  readonly nUnscored: { readonly variant: number; readonly baseline: number }
  readonly seed: string | number
  readonly nResamples: number
  readonly warnings: readonly string[]
}

interface Pair {
  readonly question: string
  readonly variant: QuestionCurve
  readonly baseline: QuestionCurve
}

/**
 * What a variant's resistance to drift differs by from the baseline's, over the questions and steps that both have.
 *
 * @throws CemError `bad-row`, `bad-option`
 */
export function resistanceDifference({
  variant,
  baseline,
  ...options
}: ResistanceDifferenceOptions): ResistanceDifference {
  const stepsOf = (rows: readonly CurveRow[]) => new Set(rows.map(({ step }) => step))
  const [stepsA, stepsB] = [stepsOf(variant), stepsOf(baseline)]
  const steps = [...stepsA].filter((step) => stepsB.has(step)).toSorted((a, b) => a - b)
  const curvesA = questionCurves(variant, steps)
  const curvesB = questionCurves(baseline, steps)
  const ofBaseline = new Map(curvesB.curves.map((curve) => [curve.question, curve]))
  const pairs = curvesA.curves.flatMap((curve): Pair[] => {
    const other = ofBaseline.get(curve.question)
    return other === undefined
      ? []
      : [{ question: curve.question, variant: curve, baseline: other }]
  })
  const { values, seed, nResamples, warnings } = clusterBootstrap({
    ...options,
    clusters: pairs,
    statistic: (drawn) => (steps.length < 2 ? allUndefined : differencesOf(drawn)),
  })
  const missing = whyMissing({ curves: pairs.map((pair) => pair.variant), steps })
  const paired = new Set(pairs.map(({ question }) => question))
  const questions = new Set([...variant, ...baseline].map(({ question }) => question))
  return {
    differences: byMeasure((name, index) =>
      labelled(values[index], missing ?? whyUndefined(name, steps)),
    ),
    delay: labelled(
      values[measureNames.length],
      missing ??
        absent('the baseline does not rise, or the variant never reaches half of its rise'),
    ),
    tests: {
      area: testOf('area', pairs, steps, options),
      slope: testOf('slope', pairs, steps, options),
    },
    steps,
    stepsOfOne: [...new Set([...stepsA, ...stepsB])]
      .filter((step) => !steps.includes(step))
      .toSorted((a, b) => a - b),
    nQuestions: pairs.length,
    questionsLeftOut: [...questions].filter((question) => !paired.has(question)),
    nUnscored: { variant: curvesA.nUnscored, baseline: curvesB.nUnscored },
    seed,
    nResamples,
    warnings: [...warnings, ...seedWarnings(Math.max(curvesA.nSeeds, curvesB.nSeeds))],
  }
}

const allUndefined = [...measureNames, 'delay'].map(() => Number.NaN)

function differencesOf(pairs: readonly Pair[]): number[] {
  const a = meanCurve(pairs.map((pair) => pair.variant))
  const b = meanCurve(pairs.map((pair) => pair.baseline))
  const ofA = measureCurve(a)
  const ofB = measureCurve(b)
  const delay = stepOfRise(a, ofB.rise / 2) - ofB.halfRiseStep
  return [...measureNames.map((name) => ofA[name] - ofB[name]), delay]
}

const stepOfRise = (curve: Curve, rise: number) =>
  rise > 0 ? crossingStep(curve, (curve.values[0] as number) + rise) : Number.NaN

function testOf(
  name: 'area' | 'slope',
  pairs: readonly Pair[],
  steps: readonly number[],
  { seed, level }: BootstrapOptions,
): PairedDifference {
  const rowsOf = (side: 'variant' | 'baseline') =>
    steps.length < 2
      ? []
      : pairs.map((pair) => ({ question: pair.question, value: measureCurve(pair[side])[name] }))
  return pairedDifference(rowsOf('variant'), rowsOf('baseline'), {
    seed,
    ...(level === undefined ? {} : { level }),
  })
}
