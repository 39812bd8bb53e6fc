import { writeFileAtomic } from '@cem/core'
import {
  type BaseProjection,
  type ProjectionRow,
  projectionCurves,
  projectionGrid,
  renderPng,
  renderSvg,
} from '@cem/plots'
import { type CellProjection, projectCell, readMeans } from '../analysis/projections.ts'
import type { FigureLook } from '../figures/run-figure.ts'
import { readEvalCsv } from '../study/eval-csv.ts'
import { listResults } from '../study/result-files.ts'
import { type PrecisionOf, precisionOfCsv, samePrecision } from '../study/same-precision.ts'
import { readDirections } from './direction-file.ts'

export interface PlotProjectionsOptions {
  /** The direction's `.npz`. */
  readonly direction: string
  readonly resultsFolder: string
  readonly variants: readonly string[]
  /** The base model's `_activations.npz`, for the reference line. */
  readonly baseActivations?: string | undefined
  /** One layer, or all of them as a grid. */
  readonly layer: number | 'all'
  /** A `.png` or `.svg` file; the numbers go to a `.json` beside it. */
  readonly output: string
  readonly look?: FigureLook | undefined
}

/**
 * Draws projection curves from activation sets and a direction, ours or the Python pipeline's.
 *
 * @throws CemError `results-not-found`, `direction-invalid`, `activations-mismatch`, `precision-mixed`, and those of @cem/plots
 */
export async function plotProjections(options: PlotProjectionsOptions): Promise<void> {
  const { resultsFolder, variants, baseActivations, layer, output } = options
  const directions = await readDirections(options.direction)
  const baseMeans = baseActivations === undefined ? new Map() : await readMeans(baseActivations)
  const project = async (path: string, csv: string | undefined) =>
    projectCell(path, {
      directions,
      baseMeans,
      questions: csv === undefined ? [] : (await readEvalCsv(csv)).map((row) => row.questionId),
      level: 0.95,
    })
  const rows: ProjectionRow[] = []
  const byVariant: Record<string, { step: number; projections: CellProjection[] }[]> = {}
  const precisions: PrecisionOf[] = []
  for (const variant of variants)
    for (const { step, csv, activations } of await listResults(resultsFolder, variant)) {
      if (activations === undefined) continue
      precisions.push(await precisionOfCsv(csv))
      const projections = await project(activations, csv)
      byVariant[variant] = [...(byVariant[variant] ?? []), { step, projections }]
      rows.push(...projections.map((p) => projectionRow(variant, step, p)))
    }
  samePrecision(precisions)
  const ofBase = baseActivations === undefined ? [] : await project(baseActivations, undefined)
  const base = ofBase.map((p): BaseProjection => ({ layer: p.layer, projection: p.meanProjection }))
  const title = 'Projection on the misalignment direction'
  const figure = { ...options.look, base, title, intervalMethod: 't over questions' }
  const spec =
    layer === 'all' ? projectionGrid(rows, figure) : projectionCurves(rows, { ...figure, layer })
  await writeFileAtomic(
    output,
    output.endsWith('.svg') ? await renderSvg(spec) : await renderPng(spec),
  )
  const layers = layer === 'all' ? [...directions.keys()] : [layer]
  const perLayer = layers.map((l) => layerEntry(l, ofBase, byVariant))
  const json = layer === 'all' ? { layers, per_layer: perLayer } : perLayer[0]
  await writeFileAtomic(
    output.replace(/\.(png|svg)$/, '.json'),
    `${JSON.stringify(json, null, 2)}\n`,
  )
}

function projectionRow(variant: string, step: number, p: CellProjection): ProjectionRow {
  const { estimate, low, high, n } = p.projection
  return { variant, step, layer: p.layer, projection: estimate, low, high, n }
}

/** The Python pipeline's shape: projections of the mean over all answers. */
function layerEntry(
  layer: number,
  base: readonly CellProjection[],
  byVariant: Readonly<
    Record<string, readonly { step: number; projections: readonly CellProjection[] }[]>
  >,
) {
  const of = (projections: readonly CellProjection[]) =>
    projections.find((p) => p.layer === layer)?.meanProjection
  return {
    layer,
    base_model_projection: of(base) ?? null,
    variants: Object.fromEntries(
      Object.entries(byVariant).map(([variant, entries]) => [
        variant,
        entries.map(({ step, projections }) => ({ step, projection: of(projections) ?? null })),
      ]),
    ),
  }
}
