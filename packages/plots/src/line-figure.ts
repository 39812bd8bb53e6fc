import type { TopLevelSpec } from 'vega-lite'
import { captionParagraphs } from './caption.ts'
import { canLabelEnds, endLabelsWidth, withFlagWords } from './end-labels.ts'
import { figure } from './figure.ts'
import { checkFigureOptions, type FigureOptions, type LineOptions } from './figure-options.ts'
import { variantLabels } from './label-text.ts'
import { type LegendEntry, legendPanel, legendSize } from './legend.ts'
import { linePanel } from './line-panel.ts'
import type { PanelFrame, ReferenceLine } from './panel-frame.ts'
import type { SeriesPoint } from './rows.ts'
import { stepAxis } from './step-axis.ts'
import { textWidth } from './text-width.ts'
import { fontSizes } from './theme.ts'
import type { ValueAxis } from './value-axis.ts'
import type { VariantStyles } from './variant-styles.ts'

export interface LinePanelInput {
  readonly title: string
  readonly points: readonly SeriesPoint[]
  readonly y: ValueAxis
  readonly reference?: ReferenceLine | undefined
}

export interface LineFigureInput extends FigureOptions, LineOptions {
  readonly panels: readonly LinePanelInput[]
  readonly styles: VariantStyles
  readonly description: string
  readonly columns: number
  readonly panelWidth: number
  readonly panelHeight: number
  readonly limits?: readonly [number, number]
  readonly yTitle?: string
  /** Where names stand; `auto` puts them at line ends up to `maxDirectLabels` variants. */
  readonly naming: 'auto' | 'legend'
  readonly isSmall?: boolean
  /** Panels beside each other have one y axis. */
  readonly sharesY?: boolean
  readonly notes?: readonly string[]
}

/** Longest name in px, beside its flag words. */
export const maxLabelWidth = 125

/** Panels of lines over training steps, in a grid. */
export function lineFigure(input: LineFigureInput): TopLevelSpec {
  checkFigureOptions(input)
  const { panels, panelWidth, panelHeight, sharesY = false } = input
  const columns = Math.min(input.columns, panels.length)
  const frame = frameOf(input)
  const entries = legendEntries(input, frame)
  const leftRoom = leftRoomOf(input)
  const rightRoom = frame.directLabels ? endLabelsWidth(entries.map((e) => e.text)) + 18 : 16
  const columnSpacing = Math.ceil(rightRoom + (sharesY ? 0 : leftRoom))
  const width = leftRoom + columns * panelWidth + (columns - 1) * columnSpacing + rightRoom
  const slotWidth = panelWidth + rightRoom
  const hasSlot = panels.length > columns && panels.length % columns > 0
  const rowSpacing = input.isSmall === true ? 50 : 62
  const size = legendSize(entries, slotWidth)
  const inSlot =
    hasSlot && size.height <= panelHeight + rowSpacing && size.columnWidth <= slotWidth + 20
  const hasLegend = !frame.directLabels
  const charts = panels.map((panel, i) =>
    linePanel(
      {
        ...panel,
        yTitle: i % columns === 0 ? input.yTitle : undefined,
        hasXTitle: i + columns >= panels.length,
        hasYLabels: !sharesY || i % columns === 0,
      },
      frame,
    ),
  )
  return figure({
    title: input.title,
    subtitle: input.subtitle,
    description: input.description,
    panels: hasLegend && inSlot ? [...charts, legendPanel(entries, slotWidth)] : charts,
    legend: hasLegend && !inSlot ? legendPanel(entries, width - leftRoom) : undefined,
    columns,
    columnSpacing,
    rowSpacing,
    caption: captionParagraphs({
      points: panels.flatMap((panel) => panel.points),
      intervalMethod: input.intervalMethod,
      intervals: frame.intervals === 'bars' ? 'Bars' : 'Bands',
      isShifted: [...frame.shifts.values()].some((shift) => shift !== 0),
      notes: input.notes ?? [],
    }),
    width: Math.ceil(width),
    leftRoom,
  })
}

const labelFace = { fontSize: fontSizes.label }

function frameOf(input: LineFigureInput): PanelFrame {
  const { panels, panelWidth, panelHeight, isSmall = false, intervals = 'bars' } = input
  const points = panels.flatMap((panel) => panel.points)
  const present = [...input.styles.keys()].filter((v) => points.some((p) => p.variant === v))
  const widestSpread = (isSmall ? 2 : 3.5) * (present.length - 1)
  const axis = stepAxis(
    points.map((point) => point.step),
    {
      kind: input.stepScale ?? 'symlog',
      width: panelWidth,
      inset: 7 + Math.min(widestSpread / 2, 10),
      fontSize: fontSizes.axis,
    },
  )
  const total = Math.min(0.6 * axis.smallestGap, widestSpread, 20)
  const shiftOf = (i: number) =>
    present.length < 2 || intervals === 'bands' ? 0 : total * (i / (present.length - 1) - 0.5)
  const count = {
    variants: present.length,
    references: panels.some((panel) => panel.reference !== undefined) ? 1 : 0,
    panelHeight,
    maxDirectLabels: input.maxDirectLabels,
  }
  return {
    width: panelWidth,
    height: panelHeight,
    styles: input.styles,
    labels: variantLabels(present, maxLabelWidth, labelFace),
    axis,
    shifts: new Map(present.map((variant, i) => [variant, shiftOf(i)])),
    intervals,
    limits: input.limits ?? [-Infinity, Infinity],
    directLabels: input.naming === 'auto' && canLabelEnds(count),
    isSmall,
  }
}

/** One entry per variant in the figure, then the reference. Their widths also say how much room labels need. */
function legendEntries({ panels, styles }: LineFigureInput, frame: PanelFrame): LegendEntry[] {
  const points = panels.flatMap((panel) => panel.points)
  const variants = [...frame.labels].map(([variant, label]) => {
    const flags = points.filter((p) => p.variant === variant).flatMap((p) => p.flags)
    const text = withFlagWords(label, flags)
    return { text, style: styles.get(variant), isFlagged: flags.length > 0 }
  })
  const reference = panels.find((panel) => panel.reference !== undefined)?.reference
  return reference === undefined
    ? variants
    : [...variants, { text: reference.label, isFlagged: false }]
}

function leftRoomOf({ panels, yTitle }: LineFigureInput): number {
  const widths = panels.flatMap((panel) =>
    panel.y.labels.map((label) => textWidth(label, { fontSize: fontSizes.axis })),
  )
  return Math.ceil(Math.max(...widths) + 8 + (yTitle === undefined ? 0 : fontSizes.label + 12))
}
