import { CemError } from '@cem/core'
import type { TopLevelSpec } from 'vega-lite'
import { checkSize, type FigureOptions, type LineOptions, stylesFor } from './figure-options.ts'
import { lineFigure } from './line-figure.ts'
import {
  type BaseProjection,
  type LayerPoints,
  type ProjectionRow,
  pointsByLayer,
} from './projection-rows.ts'
import { valueAxis } from './value-axis.ts'

export interface ProjectionCurvesOptions extends FigureOptions, LineOptions {
  /** The layer to show; rows of others are left out. */
  readonly layer: number
  /** Projections of the base model, drawn as a dashed line across. @default none */
  readonly base?: readonly BaseProjection[] | undefined
  /** Px, minimum 80. @default what `width` leaves */
  readonly panelWidth?: number | undefined
  /** Px, minimum 60. @default 280 */
  readonly panelHeight?: number | undefined
}

/**
 * The projection on the misalignment direction at one layer against the training step, one line per variant.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-layer-unknown`,
 * `plot-variant-unknown`, `plot-option-invalid`
 */
export function projectionCurves(
  rows: readonly ProjectionRow[],
  options: ProjectionCurvesOptions,
): TopLevelSpec {
  const { layer, base = [], panelWidth, panelHeight = 280 } = options
  if (panelWidth !== undefined) checkSize('panelWidth', panelWidth, 80)
  checkSize('panelHeight', panelHeight, 60)
  const layers = pointsByLayer(rows, base, 'projectionCurves')
  const { points, base: baseValue } = layerOf(layers, layer)
  return lineFigure({
    ...options,
    panels: [
      {
        title: `Layer ${layer}`,
        points,
        y: valueAxis(projectionValues(points, baseValue), { ends: 'data' }),
        reference: baseValue === null ? undefined : { value: baseValue, label: 'base model' },
      },
    ],
    styles: stylesFor(rows, options.styles),
    description: `Projection on the misalignment direction at layer ${layer} against the training step.`,
    columns: 1,
    panelWidth,
    panelHeight,
    yTitle: 'projection on the misalignment direction',
    naming: 'auto',
    notes: ['Higher = more misaligned.', ...missingBases([{ layer, base: baseValue }], base)],
  })
}

/** All numbers that the y axis has to reach. */
export function projectionValues(points: LayerPoints['points'], base: number | null): number[] {
  return [
    base,
    ...points.flatMap((p) => (p.value === null ? [] : [p.value, p.low, p.high])),
  ].filter((value) => value !== null)
}

/** What the caption says where a base model was given, but not for these layers. */
export function missingBases(
  layers: readonly Pick<LayerPoints, 'layer' | 'base'>[],
  given: readonly BaseProjection[],
): string[] {
  const missing = layers.filter(({ base }) => base === null).map(({ layer }) => layer)
  if (given.length === 0 || missing.length === 0) return []
  return [`No base model value for layer ${missing.join(', ')}.`]
}

function layerOf(layers: readonly LayerPoints[], layer: number): LayerPoints {
  const found = layers.find((each) => each.layer === layer)
  if (found !== undefined) return found
  const known = layers.map((each) => each.layer)
  throw new CemError({
    code: 'plot-layer-unknown',
    message: `No row is of layer ${String(layer)}; there are rows of layer ${known.join(', ')}.`,
    data: { layer, known },
  })
}
