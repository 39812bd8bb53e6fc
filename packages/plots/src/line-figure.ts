import type { TopLevelSpec } from 'vega-lite'
import { captionParagraphs } from './caption.ts'
import { canLabelEnds, endLabelsWidth, withFlagWords } from './end-labels.ts'
import { figure } from './figure.ts'
import {
  checkFigureOptions,
  contentWidth,
  type FigureOptions,
  type LineOptions,
} from './figure-options.ts'
import { variantLabels } from './label-text.ts'
import { type LegendEntry, legendPanel, legendSize } from './legend.ts'
import { linePanel } from './line-panel.ts'
import type { Level, PanelFrame, ReferenceLine, Turn } from './panel-frame.ts'
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
  /** A shaded stretch of the y axis behind everything. */
  readonly band?: readonly [number, number] | undefined
  /** Places on the x axis with a vertical line. */
  readonly turns?: readonly Turn[] | undefined
  readonly levels?: readonly Level[] | undefined
  /** False where the points have no place on the x axis: no labels there. @default true */
  readonly hasSteps?: boolean
}

export interface LineFigureInput extends FigureOptions, LineOptions {
  readonly panels: readonly LinePanelInput[]
  readonly styles: VariantStyles
  readonly description: string
  readonly columns: number
  /** Left out: what `width` leaves. */
  readonly panelWidth?: number | undefined
  readonly panelHeight: number
  /** @default 'training step' */
  readonly xTitle?: string
  /** What a place on the x axis is called in tooltips. @default 'step' */
  readonly xName?: string
  /** Each panel has an x axis of its own. @default false */
  readonly ownSteps?: boolean
  /** False where values are exact: no asterisks, and the caption says so. @default true */
  readonly hasIntervals?: boolean
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

/** Px that no panel may be narrower than. */
const narrowest = 80
/** Px right of a panel without labels. */
const plainRoom = 16

/** Panels of lines over training steps, in a grid. */
export function lineFigure(given: LineFigureInput): TopLevelSpec {
  checkFigureOptions(given)
  const layout = layoutOf(given)
  const { frame, entries, columns, rightRoom, leftRoom, columnSpacing } = layout
  const { panels, panelHeight, sharesY = false } = given
  const width = leftRoom + columns * frame.width + (columns - 1) * columnSpacing + rightRoom
  const slotWidth = frame.width + plainRoom
  const hasSlot = panels.length > columns && panels.length % columns > 0
  const rowSpacing = given.isSmall === true ? 50 : 62
  const size = legendSize(entries, slotWidth)
  const inSlot =
    hasSlot && size.height <= panelHeight + rowSpacing && size.columnWidth <= slotWidth + 20
  const hasLegend = !frame.directLabels
  const frameFor = (panel: LinePanelInput): PanelFrame => {
    if (given.ownSteps !== true) return frame
    const own = frameOf({ ...given, panels: [panel] }, frame.width, frame.directLabels)
    return panel.hasSteps === false ? { ...own, axis: { ...own.axis, ticks: [] } } : own
  }
  const charts = panels.map((panel, i) =>
    linePanel(
      {
        ...panel,
        yTitle: i % columns === 0 ? given.yTitle : undefined,
        hasXTitle: i + columns >= panels.length && panel.hasSteps !== false,
        hasYLabels: !sharesY || i % columns === 0,
        hasEndLabels: isLastOfRow(i, columns, panels.length),
        // A title may stand over the room beside its panel.
        titleWidth: frame.width + (i % columns === columns - 1 ? rightRoom : columnSpacing - 8),
      },
      frameFor(panel),
    ),
  )
  return figure({
    title: given.title,
    subtitle: given.subtitle,
    description: given.description,
    panels: hasLegend && inSlot ? [...charts, legendPanel(entries, slotWidth)] : charts,
    legend: hasLegend && !inSlot ? legendPanel(entries, width - leftRoom) : undefined,
    columns,
    columnSpacing,
    rowSpacing,
    caption: captionParagraphs({
      points: panels.flatMap((panel) => panel.points),
      intervalMethod: given.intervalMethod,
      intervals: frame.intervals === 'bars' ? 'Bars' : 'Bands',
      hasIntervals: frame.hasIntervals,
      isShifted: [...frame.shifts.values()].some((shift) => shift !== 0),
      notes: given.notes ?? [],
    }),
    width: Math.ceil(width),
    leftRoom,
    theme: given.theme,
  })
}

/** As many columns as were asked for, or as fit; names at line ends unless they take the room that panels need. */
function layoutOf(input: LineFigureInput) {
  const leftRoom = leftRoomOf(input)
  const columnSpacing = Math.ceil(plainRoom + (input.sharesY === true ? 0 : leftRoom))
  const mostColumns = Math.min(input.columns, input.panels.length)
  const total = contentWidth(input)
  const fitted = (columns: number, directLabels: boolean) => {
    const labelled = frameOf(input, narrowest, directLabels)
    const entries = legendEntries(input, labelled)
    const rightRoom = labelled.directLabels
      ? endLabelsWidth(entries.map((e) => e.text)) + 2
      : plainRoom
    const free = total - leftRoom - rightRoom - (columns - 1) * columnSpacing
    const panelWidth = input.panelWidth ?? Math.floor(free / columns)
    return { entries, columns, rightRoom, leftRoom, columnSpacing, panelWidth }
  }
  for (const directLabels of [true, false])
    for (let columns = mostColumns; columns >= (directLabels ? mostColumns : 1); columns--) {
      const layout = fitted(columns, directLabels)
      if (columns > 1 && layout.panelWidth < narrowest) continue
      if (directLabels && (layout.panelWidth < narrowest || !areAllNamed(input, columns))) continue
      const panelWidth = Math.max(layout.panelWidth, narrowest)
      return { ...layout, frame: frameOf(input, panelWidth, directLabels) }
    }
  throw new Error('one column without labels always fits')
}

function isLastOfRow(index: number, columns: number, count: number): boolean {
  return index % columns === columns - 1 || index === count - 1
}

/** Names stand right of the last panel of each row: every variant that is drawn has to reach one of those. */
function areAllNamed({ panels }: LineFigureInput, columns: number): boolean {
  const namesOf = (some: readonly LinePanelInput[]) =>
    new Set(
      some.flatMap(({ points }) => points.flatMap((p) => (p.value === null ? [] : p.variant))),
    )
  const named = namesOf(panels.filter((_, i) => isLastOfRow(i, columns, panels.length)))
  return [...namesOf(panels)].every((variant) => named.has(variant))
}

const labelFace = { fontSize: fontSizes.label }

function frameOf(input: LineFigureInput, panelWidth: number, mayLabel: boolean): PanelFrame {
  const { panels, panelHeight, isSmall = false, intervals = 'bars' } = input
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
    present.length < 2 || intervals === 'bands' || input.hasIntervals === false
      ? 0
      : total * (i / (present.length - 1) - 0.5)
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
    directLabels: mayLabel && input.naming === 'auto' && canLabelEnds(count),
    xTitle: input.xTitle ?? 'training step',
    xName: input.xName ?? 'step',
    hasIntervals: input.hasIntervals ?? true,
    isSmall,
  }
}

/** One entry per variant in the figure, then the reference. Their widths also say how much room labels need. */
function legendEntries({ panels, styles }: LineFigureInput, frame: PanelFrame): LegendEntry[] {
  const points = panels.flatMap((panel) => panel.points)
  const variants = [...frame.labels].map(([variant, label]) => {
    const flags = points.filter((p) => p.variant === variant).flatMap((p) => p.flags)
    const text = withFlagWords(label, flags)
    const style = styles.get(variant)
    return { text, style, isFlagged: flags.length > 0 || style?.isHollow === true }
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
  return Math.ceil(Math.max(...widths) + 8 + (yTitle === undefined ? 0 : fontSizes.label + 16))
}
