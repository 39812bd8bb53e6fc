import { CemError } from '@cem/core'
import type { TopLevelSpec } from 'vega-lite'
import { captionParagraphs } from './caption.ts'
import { canLabelEnds, endLabelsWidth } from './end-labels.ts'
import { figure } from './figure.ts'
import {
  checkFigureOptions,
  checkSize,
  contentWidth,
  type FigureOptions,
  stylesFor,
} from './figure-options.ts'
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
  /** In-domain rate at which variants are compared, in percent: a vertical line. @default none */
  readonly matchedRate?: number | undefined
  /** Px, minimum 80. @default what `width` leaves */
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
  const { panelHeight = 320, matchedRate } = options
  checkFigureOptions(options)
  if (options.panelWidth !== undefined) checkSize('panelWidth', options.panelWidth, 80)
  if (matchedRate !== undefined) checkPercent(matchedRate)
  checkSize('panelHeight', panelHeight, 60)
  checkNotEmpty(rows, 'emAgainstInDomain')
  const points = checkedPoints(rows)
  const styles = stylesFor(rows, options.styles)
  const present = [...styles.keys()].filter((v) => points.some((p) => p.variant === v))
  const x = valueAxis(reached(points, 'inDomain'), {
    include: [0, 5, matchedRate ?? 0],
    limits: percent,
  })
  const y = valueAxis(reached(points, 'em'), { include: [0, 5], limits: percent })
  const leftRoom =
    Math.max(...y.labels.map((label) => textWidth(label, { fontSize: fontSizes.axis }))) + 31
  const frameFor = (mayLabel: boolean): PathFrame => {
    const plain: PathFrame = {
      width: 0,
      height: panelHeight,
      x,
      y,
      matchedRate,
      styles,
      labels: variantLabels(present, maxLabelWidth, { fontSize: fontSizes.label }),
      directLabels:
        mayLabel &&
        canLabelEnds({
          variants: present.length,
          references: 0,
          panelHeight,
          maxDirectLabels: options.maxDirectLabels,
        }),
    }
    const room = plain.directLabels
      ? endLabelsWidth(pathEnds(points, plain).map((end) => end.text))
      : 20
    const width = options.panelWidth ?? Math.floor(contentWidth(options) - leftRoom - room)
    return mayLabel && width < 160 && options.panelWidth === undefined
      ? frameFor(false)
      : { ...plain, width: Math.max(width, 80) }
  }
  const frame = frameFor(true)
  const ends = pathEnds(points, frame)
  const rightRoom = frame.directLabels ? endLabelsWidth(ends.map((end) => end.text)) : 20
  const width = Math.ceil(leftRoom + frame.width + rightRoom)
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
      notes: [
        notes,
        ...(matchedRate === undefined
          ? []
          : [`Dashed: variants are compared at an in-domain rate of ${matchedRate} %.`]),
      ],
    }),
    width,
    leftRoom: Math.ceil(leftRoom),
    theme: options.theme,
  })
}

function checkPercent(matchedRate: number): void {
  if (matchedRate >= 0 && matchedRate <= 100) return
  throw new CemError({
    code: 'plot-option-invalid',
    message: `matchedRate is ${String(matchedRate)}; it has to be a percentage from 0 to 100.`,
    data: { matchedRate },
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
