import type { TopLevelSpec } from 'vega-lite'
import { captionParagraphs } from './caption.ts'
import { canLabelEnds, endLabelsWidth } from './end-labels.ts'
import { figure } from './figure.ts'
import { checkFigureOptions, checkSize, type FigureOptions, stylesFor } from './figure-options.ts'
import { variantLabels } from './label-text.ts'
import { legendPanel } from './legend.ts'
import { maxLabelWidth } from './line-figure.ts'
import { type PathFrame, type PathPoint, pathEnds, pathPanel } from './path-panel.ts'
import {
  type CellRow,
  checkCell,
  checkDistinct,
  checkMeasured,
  checkNotEmpty,
  flagsByCell,
} from './rows.ts'
import { textWidth } from './text-width.ts'
import { fontSizes } from './theme.ts'
import { valueAxis } from './value-axis.ts'

/** Both rates of one checkpoint, in percent of answers. */
export interface EmAgainstInDomainRow extends CellRow {
  /** EM on questions outside the trained domain, 0 to 100. NaN or null: could not be computed; the path has a gap there. */
  readonly em: number | null
  /** Bounds of the interval, both or none. */
  readonly emLow?: number | null | undefined
  readonly emHigh?: number | null | undefined
  /** Misaligned answers to held-out questions of the trained domain, 0 to 100. */
  readonly inDomain: number | null
  readonly inDomainLow?: number | null | undefined
  readonly inDomainHigh?: number | null | undefined
}

export interface EmAgainstInDomainOptions extends FigureOptions {
  /** Px, minimum 80. @default 420 */
  readonly panelWidth?: number | undefined
  /** Px, minimum 60. @default 320 */
  readonly panelHeight?: number | undefined
}

const percent = [0, 100] as const

/**
 * EM against how far the narrow training took, one path per variant in step order with marks that grow along it: variants compare
 * at equal in-domain rate, not at equal step.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-variant-unknown`, `plot-option-invalid`
 */
export function emAgainstInDomain(
  rows: readonly EmAgainstInDomainRow[],
  options: EmAgainstInDomainOptions = {},
): TopLevelSpec {
  const { panelWidth = 420, panelHeight = 320 } = options
  checkFigureOptions(options)
  checkSize('panelWidth', panelWidth, 80)
  checkSize('panelHeight', panelHeight, 60)
  checkNotEmpty(rows, 'emAgainstInDomain')
  const points = checkedPoints(rows)
  const styles = stylesFor(rows, options.styles)
  const present = [...styles.keys()].filter((v) => points.some((p) => p.variant === v))
  const x = valueAxis(reached(points, 'inDomain'), { include: [0, 5], limits: percent })
  const y = valueAxis(reached(points, 'em'), { include: [0, 5], limits: percent })
  const frame: PathFrame = {
    width: panelWidth,
    height: panelHeight,
    x,
    y,
    styles,
    labels: variantLabels(present, maxLabelWidth, { fontSize: fontSizes.label }),
    directLabels: canLabelEnds({
      variants: present.length,
      references: 0,
      panelHeight,
      maxDirectLabels: options.maxDirectLabels,
    }),
  }
  const ends = pathEnds(points, frame)
  const rightRoom = frame.directLabels ? endLabelsWidth(ends.map((end) => end.text)) : 20
  const leftRoom =
    Math.max(...y.labels.map((label) => textWidth(label, { fontSize: fontSizes.axis }))) + 31
  const width = Math.ceil(leftRoom + panelWidth + rightRoom)
  const hasLegend = !frame.directLabels && ends.length > 0
  return figure({
    title: options.title,
    subtitle: options.subtitle,
    description: 'Emergent misalignment against the in-domain misaligned rate, by checkpoint.',
    panels: [pathPanel(points, ends, frame)],
    columns: 1,
    columnSpacing: 0,
    rowSpacing: 0,
    legend: hasLegend ? legendPanel(ends, width - leftRoom) : undefined,
    caption: captionParagraphs({
      points: points.map((point) => ({ ...point, ...asOne(point) })),
      intervalMethod: options.intervalMethod,
      intervals: 'Bars',
      isShifted: false,
      notes: [notes],
    }),
    width,
    leftRoom: Math.ceil(leftRoom),
  })
}

const notes = 'Marks grow with the training step; the step named is the last.'

function checkedPoints(rows: readonly EmAgainstInDomainRow[]): PathPoint[] {
  const flagsOf = flagsByCell(rows)
  const points = rows.map((row, i): PathPoint => {
    checkCell(row, i)
    const { variant, step, n = null } = row
    const em = checkMeasured(row, i, {
      names: ['em', 'emLow', 'emHigh'],
      value: row.em,
      low: row.emLow,
      high: row.emHigh,
      range: percent,
    })
    const inDomain = checkMeasured(row, i, {
      names: ['inDomain', 'inDomainLow', 'inDomainHigh'],
      value: row.inDomain,
      low: row.inDomainLow,
      high: row.inDomainHigh,
      range: percent,
    })
    return { variant, step, n, flags: flagsOf(row), em, inDomain }
  })
  checkDistinct(rows)
  return points
}

function reached(points: readonly PathPoint[], key: 'em' | 'inDomain'): number[] {
  return points.flatMap((point) => [point[key].value ?? 0, point[key].high ?? 0])
}

/** A point has a value, or an interval, where both of its rates do. */
function asOne({ em, inDomain }: PathPoint) {
  const both = (key: 'value' | 'low' | 'high') => (inDomain[key] === null ? null : em[key])
  return { value: both('value'), low: both('low'), high: both('high') }
}
