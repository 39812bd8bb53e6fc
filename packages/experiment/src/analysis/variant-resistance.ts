import {
  projectOne,
  projectRows,
  type QuestionRows,
  type Resistance,
  type ResistanceDifference,
  resistance,
  resistanceDifference,
} from '@cem/direction'
import type { Cell } from '../plan/cell.ts'

/** How a variant's projection rises in training. */
export interface VariantResistance {
  readonly variant: string
  /** Of relative projections: 1 is as far from the base as the checkpoint that the direction was made from. */
  readonly curve: Resistance
  /** Variant minus baseline, paired by question; null for the baseline itself. */
  readonly fromBaseline: ResistanceDifference | null
}

export interface VariantResistanceOptions {
  readonly cells: readonly Cell[]
  readonly baseline: string
  /** [dModel] */
  readonly baseMean: Float64Array | Float32Array
  /** Unit norm, [dModel]. */
  readonly vector: Float32Array
  readonly displacementNorm: number
  readonly readLayer: (cell: Cell) => Promise<QuestionRows>
  readonly level: number
  readonly seed: number
}

/** Resistance of every variant with at least two checkpoints. */
export async function variantResistance({
  cells,
  baseline,
  baseMean,
  vector,
  displacementNorm,
  readLayer,
  level,
  seed,
}: VariantResistanceOptions): Promise<VariantResistance[]> {
  const origin = projectOne(baseMean, vector)
  const curves = new Map<string, { question: string; step: number; value: number | null }[]>()
  for (const cell of cells) {
    if (cell.kind !== 'checkpoint') continue
    const { rows, dModel, questions } = await readLayer(cell)
    const { projections } = projectRows(rows, dModel, vector)
    const points = Array.from(projections, (value, i) => ({
      question: questions[i] as string,
      step: cell.step,
      value: Number.isNaN(value) ? null : (value - origin) / displacementNorm,
    }))
    curves.set(cell.variant, [...(curves.get(cell.variant) ?? []), ...points])
  }
  const ofBaseline = curves.get(baseline) ?? []
  return Array.from(curves)
    .filter(([, points]) => new Set(points.map(({ step }) => step)).size > 1)
    .map(([variant, points]) => ({
      variant,
      curve: resistance(points, { seed, level }),
      fromBaseline:
        variant === baseline
          ? null
          : resistanceDifference({ variant: points, baseline: ofBaseline, seed, level }),
    }))
}
