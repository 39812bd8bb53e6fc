import { type CurveRow, checkStep } from '../statistics/bootstrap-curve.ts'
import { addTo, checkRow, seedOf, type Tally } from '../statistics/rows.ts'
import type { Curve } from './curve-measures.ts'

export interface QuestionCurve extends Curve {
  readonly question: string
}

export interface QuestionCurves {
  /** One curve for each question that has scored rows at every step. */
  readonly curves: readonly QuestionCurve[]
  /** All steps, ascending. */
  readonly steps: readonly number[]
  /** Questions without scored rows at some step: left out, since the mean would change its questions on the way. */
  readonly incompleteQuestions: readonly string[]
  readonly nRows: number
  /** Training seeds; they are pooled. */
  readonly nSeeds: number
  readonly nUnscored: number
}

/** Mean value of every question at every step, over the given steps or all. */
export function questionCurves(
  rows: readonly CurveRow[],
  onlySteps?: readonly number[],
): QuestionCurves {
  const byQuestion = new Map<string, Map<number, Tally>>()
  const allSteps = new Set<number>()
  const seeds = new Set<string>()
  let nRows = 0
  let nUnscored = 0
  for (const [index, row] of rows.entries()) {
    checkCurveRow(row, index)
    if (onlySteps !== undefined && !onlySteps.includes(row.step)) continue
    nRows++
    seeds.add(seedOf(row))
    allSteps.add(row.step)
    const bySteps = byQuestion.get(row.question) ?? new Map<number, Tally>()
    byQuestion.set(row.question, bySteps)
    if (row.value === null) nUnscored++
    else addTo(bySteps, row.step, row.value)
  }
  const steps = [...allSteps].toSorted((a, b) => a - b)
  const isComplete = (bySteps: ReadonlyMap<number, Tally>) => bySteps.size === steps.length
  const curves = [...byQuestion]
    .filter(([, bySteps]) => isComplete(bySteps))
    .map(([question, bySteps]) => ({ question, steps, values: valuesOf(bySteps, steps) }))
  return {
    curves,
    steps,
    incompleteQuestions: [...byQuestion].flatMap(([question, bySteps]) =>
      isComplete(bySteps) ? [] : [question],
    ),
    nRows,
    nSeeds: seeds.size,
    nUnscored,
  }
}

function valuesOf(bySteps: ReadonlyMap<number, Tally>, steps: readonly number[]): number[] {
  return steps.map((step) => {
    const { sum, n } = bySteps.get(step) as Tally
    return sum / n
  })
}

/** Warns where the variance between training runs is hidden. */
export const seedWarnings = (nSeeds: number): string[] =>
  nSeeds > 1 ? [`${nSeeds} training seeds are pooled: their variance is not in the intervals`] : []

/** Mean of curves over the same steps: every question counts once. */
export function meanCurve(curves: readonly Curve[]): Curve {
  const steps = curves[0]?.steps ?? []
  const values = steps.map((_, i) => {
    const sum = curves.reduce((total, curve) => total + (curve.values[i] as number), 0)
    return sum / curves.length
  })
  return { steps, values }
}

export function checkCurveRow(row: CurveRow, index: number): void {
  checkRow(row, index)
  checkStep(row, index)
}
