import type { TopLevelSpec } from 'vega-lite'
import {
  checkChoice,
  checkSize,
  checkWhole,
  type FigureOptions,
  type LineOptions,
  stylesFor,
} from './figure-options.ts'
import { lineFigure } from './line-figure.ts'
import { missingBases, projectionValues } from './projection-curves.ts'
import {
  type BaseProjection,
  type LayerPoints,
  type ProjectionRow,
  pointsByLayer,
} from './projection-rows.ts'
import { valueAxis } from './value-axis.ts'

export interface ProjectionGridOptions extends Omit<FigureOptions, 'maxDirectLabels'>, LineOptions {
  /** Projections of the base model, drawn as a dashed line across each panel. @default none */
  readonly base?: readonly BaseProjection[] | undefined
  /** Whether each layer has its own y axis, or all have one. @default 'independent' */
  readonly yAxis?: 'independent' | 'shared' | undefined
  /** Panels beside each other; fewer where they would be narrower than 80 px. @default 6 */
  readonly columns?: number | undefined
  /** Px, minimum 80. @default what `width` leaves */
  readonly panelWidth?: number | undefined
  /** Px, minimum 60. @default 80 */
  readonly panelHeight?: number | undefined
}

/**
 * The projection on the misalignment direction against the training step, one small panel per layer, all with the same x axis.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-variant-unknown`, `plot-option-invalid`
 */
export function projectionGrid(
  rows: readonly ProjectionRow[],
  options: ProjectionGridOptions = {},
): TopLevelSpec {
  const { base = [], columns = 6, panelWidth, panelHeight = 80 } = options
  const { yAxis = 'independent' } = options
  checkWhole('columns', columns, 1)
  if (panelWidth !== undefined) checkSize('panelWidth', panelWidth, 80)
  checkSize('panelHeight', panelHeight, 60)
  checkChoice('yAxis', yAxis, ['independent', 'shared'])
  const layers = pointsByLayer(rows, base, 'projectionGrid')
  const shared = axisOf(layers)
  const panels = layers.map((each) => ({
    title: `Layer ${each.layer}`,
    points: each.points,
    y: yAxis === 'shared' ? shared : axisOf([each]),
    reference: each.base === null ? undefined : { value: each.base, label: 'base model' },
  }))
  return lineFigure({
    ...options,
    panels,
    styles: stylesFor(rows, options.styles),
    description: `Projection on the misalignment direction against the training step at ${layers.length} layers.`,
    columns: columns,
    panelWidth,
    panelHeight,
    naming: 'legend',
    isSmall: true,
    sharesY: yAxis === 'shared',
    notes: [
      'y: projection on the misalignment direction, higher = more misaligned.',
      ...missingBases(layers, base),
    ],
  })
}

function axisOf(layers: readonly LayerPoints[]) {
  const values = layers.flatMap((each) => projectionValues(each.points, each.base))
  return valueAxis(values, { count: 3, ends: 'data' })
}
