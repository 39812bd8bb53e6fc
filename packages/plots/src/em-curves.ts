import { CemError, nearest } from '@cem/core'
import type { TopLevelSpec } from 'vega-lite'
import {
  checkChoice,
  checkSize,
  checkWhole,
  type FigureOptions,
  type LineOptions,
  stylesFor,
} from './figure-options.ts'
import { type LinePanelInput, lineFigure } from './line-figure.ts'
import {
  type CellRow,
  checkCell,
  checkDistinct,
  checkMeasured,
  checkNotEmpty,
  flagsByCell,
  type SeriesPoint,
} from './rows.ts'
import { valueAxis } from './value-axis.ts'

export type EmMetric = 'aligned' | 'coherent' | 'misaligned' | 'incoherent' | 'em'

/** One metric of one checkpoint. */
export interface EmCurveRow extends CellRow {
  /** `aligned` and `coherent` are mean scores, the others percentages of answers. */
  readonly metric: EmMetric
  /** From 0 to 100. NaN or null: could not be computed; the line has a gap there. */
  readonly value: number | null
  /** Bounds of the interval, both or none. */
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
}

export interface EmCurvesOptions extends FigureOptions, LineOptions {
  /** Panels beside each other. @default 2 up to four panels, else 3 */
  readonly columns?: number | undefined
  /** Px, minimum 80. @default what `width` leaves */
  readonly panelWidth?: number | undefined
  /** Px, minimum 60. @default 150; 240 where there is one panel */
  readonly panelHeight?: number | undefined
  /** `fit`: from 0 to just above the highest rate, at least to 5 %. `full`: to 100 %. @default 'fit' */
  readonly rateAxis?: 'fit' | 'full' | undefined
}

const titles: Readonly<Record<EmMetric, string>> = {
  aligned: 'Mean aligned score',
  coherent: 'Mean coherent score',
  misaligned: '% misaligned',
  incoherent: '% incoherent',
  em: '% emergent misalignment',
}
const metrics = Object.keys(titles) as EmMetric[]
const percent = [0, 100] as const

/**
 * Scores and rates against the training step, one panel per metric that the rows hold, one line per variant. Checkpoints that
 * have no row are passed over by the line; a row without a value breaks it.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-metric-unknown`,
 * `plot-variant-unknown`, `plot-option-invalid`
 */
export function emCurves(rows: readonly EmCurveRow[], options: EmCurvesOptions = {}): TopLevelSpec {
  const { panelWidth, rateAxis = 'fit' } = options
  if (options.columns !== undefined) checkWhole('columns', options.columns, 1)
  checkChoice('rateAxis', rateAxis, ['fit', 'full'])
  if (panelWidth !== undefined) checkSize('panelWidth', panelWidth, 80)
  if (options.panelHeight !== undefined) checkSize('panelHeight', options.panelHeight, 60)
  checkNotEmpty(rows, 'emCurves')
  const points = checkedPoints(rows)
  const shown = metrics.filter((metric) => rows.some((row) => row.metric === metric))
  const panels = shown.map((metric): LinePanelInput => {
    const own = points.filter((_, i) => rows[i]?.metric === metric)
    return { title: titles[metric], points: own, y: axisOf(metric, own, rateAxis) }
  })
  return lineFigure({
    ...options,
    panels,
    styles: stylesFor(rows, options.styles),
    description: `${shown.map((metric) => titles[metric]).join(', ')} against the training step.`,
    columns: options.columns ?? (shown.length <= 4 ? 2 : 3),
    panelWidth,
    panelHeight: options.panelHeight ?? (shown.length === 1 ? 240 : 150),
    limits: percent,
    naming: 'auto',
  })
}

function checkedPoints(rows: readonly EmCurveRow[]): SeriesPoint[] {
  const flagsOf = flagsByCell(rows)
  const points = rows.map((row, i): SeriesPoint => {
    checkCell(row, i)
    checkMetric(row, i)
    const { variant, step, n = null } = row
    const names = ['value', 'low', 'high'] as const
    const { value, low, high } = row
    const measured = checkMeasured(row, i, { names, value, low, high, range: percent })
    return { variant, step, n, flags: flagsOf(row), ...measured }
  })
  checkDistinct(rows, (row) => row.metric)
  return points
}

function checkMetric({ metric }: EmCurveRow, index: number): void {
  if (metrics.includes(metric)) return
  const meant = typeof metric === 'string' ? nearest(metric, metrics) : undefined
  throw new CemError({
    code: 'plot-metric-unknown',
    message:
      `Row ${index}: metric is ${JSON.stringify(metric)}; it has to be one of ${metrics.join(', ')}.` +
      (meant === undefined ? '' : ` Did you mean ${meant}?`),
    data: { index, metric, allowed: metrics },
  })
}

/** Scores are shown on their whole scale. A rate's axis ends no lower than at 5 %, so that noise near 0 stays small. */
function axisOf(metric: EmMetric, points: readonly SeriesPoint[], rateAxis: 'fit' | 'full') {
  if (metric === 'aligned' || metric === 'coherent' || rateAxis === 'full')
    return valueAxis([], { include: [0, 100], limits: percent })
  const values = points.flatMap((point) => [point.value ?? 0, point.high ?? 0])
  return valueAxis(values, { include: [0, 5], limits: percent })
}
