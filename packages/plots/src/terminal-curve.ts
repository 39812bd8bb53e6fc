import { checkWhole } from './figure-options.ts'
import { drawableText } from './label-text.ts'
import { type CellRow, checkCell, checkDistinct, checkMeasured, type SeriesPoint } from './rows.ts'
import { seriesOf } from './series-lines.ts'
import { type StepScale, stepAxis } from './step-axis.ts'
import { type Cell, depth, plotCells, type TerminalPlot } from './terminal-plot.ts'
import { valueAxis } from './value-axis.ts'

export interface TerminalRow extends Pick<CellRow, 'variant' | 'step'> {
  /** NaN or null: no value; the line has a gap there. */
  readonly value: number | null
  /** Bounds of the interval, both or none: drawn as a dotted bar. */
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
}

export interface TerminalCurveOptions {
  /** Columns of the whole, axis included. Minimum 1. @default 60 */
  readonly width?: number | undefined
  /** Lines of the whole, axis included. Minimum 1. @default 12 */
  readonly height?: number | undefined
  /** @default 'symlog' */
  readonly stepScale?: StepScale | undefined
  /** Values that the y axis has to reach. @default none */
  readonly include?: readonly number[] | undefined
  /** Order of the series. Variants that are missing here follow in order of first appearance. @default none */
  readonly variants?: readonly string[] | undefined
  /** Character i, one column wide, stands at the last point of series i: tells series apart without colour. @default none */
  readonly endMarks?: string | undefined
  /** Wraps a stretch of text of one series, say in colour. @default the text as it is */
  readonly paint?: (text: string, series: number | undefined) => string
}

/** Neighbouring characters of one series. */
export interface TerminalRun {
  readonly text: string
  /** Index into `series`; undefined for axis and empty space. Where lines cross, the series with most dots has the cell. */
  readonly series: number | undefined
}

export interface TerminalSeries {
  readonly variant: string
  /** The name as it may be printed: one line, no control characters, not shortened. */
  readonly label: string
  /** The value at the highest step that has one. */
  readonly last: number | null
}

export interface TerminalCurve {
  /** `height` lines, each `width` columns wide before painting. */
  readonly lines: readonly string[]
  /** The same lines in runs, for a renderer of its own. */
  readonly runs: readonly (readonly TerminalRun[])[]
  readonly series: readonly TerminalSeries[]
}

/**
 * Draws lines over training steps in braille characters. Without a value to draw it says so. Where axes would leave less than 8
 * columns or 2 lines they are left out.
 *
 * @throws CemError `plot-row-invalid`, `plot-rows-duplicate`, `plot-option-invalid`
 */
export function terminalCurve(
  rows: readonly TerminalRow[],
  options: TerminalCurveOptions = {},
): TerminalCurve {
  const { width = 60, height = 12, paint = (text) => text } = options
  checkWhole('width', width, 1)
  checkWhole('height', height, 1)
  const points = checkedPoints(rows)
  const variants = new Set([...(options.variants ?? []), ...points.map((p) => p.variant)])
  const series = seriesOf(points, variants)
  const cells = points.some((point) => point.value !== null)
    ? chartCells(series, { ...options, width, height })
    : messageCells('no values yet', width, height)
  const runs = cells.map(runsOf)
  return {
    lines: runs.map((line) => line.map((run) => paint(run.text, run.series)).join('')),
    runs,
    series: [...series].map(([variant, own]) => ({
      variant,
      label: drawableText(variant) || '(no name)',
      last: own.findLast((point) => point.value !== null)?.value ?? null,
    })),
  }
}

type Series = ReadonlyMap<string, readonly SeriesPoint[]>
type Layout = TerminalCurveOptions & { readonly width: number; readonly height: number }

function checkedPoints(rows: readonly TerminalRow[]): SeriesPoint[] {
  const points = rows.map((row, i): SeriesPoint => {
    checkCell(row, i)
    const { variant, step, value, low, high } = row
    const names = ['value', 'low', 'high'] as const
    const measured = checkMeasured(row, i, { names, value, low, high })
    return { variant, step, n: null, flags: [], ...measured }
  })
  checkDistinct(rows)
  return points
}

function chartCells(series: Series, layout: Layout): Cell[][] {
  const { width, height, include = [], stepScale = 'symlog' } = layout
  const points = [...series.values()].flat()
  const count = Math.max(1, Math.min(4, Math.floor(height / 4)))
  const values = points.flatMap((p) => (p.value === null ? [] : [p.value, p.low, p.high]))
  const y = valueAxis(
    values.filter((value) => value !== null),
    { include, count },
  )
  const labelWidth = Math.max(...y.labels.map((label) => label.length))
  const hasAxes = width - labelWidth - 1 >= 8 && height - 2 >= 2
  const columns = hasAxes ? width - labelWidth - 1 : width
  const lines = hasAxes ? height - 2 : height
  const axis = stepAxis(
    points.map((point) => point.step),
    { kind: stepScale, width: 2 * columns - 1, inset: 0, fontSize: 1 },
  )
  const frame = { axis, y, columns, lines, labelWidth }
  const plot = plotCells([...series.values()], frame, (layout.endMarks ?? '').split(''))
  if (!hasAxes) return plot
  return [...plot.map((line, row) => [...leftCells(row, frame), ...line]), ...bottomCells(frame)]
}

interface Frame extends TerminalPlot {
  readonly labelWidth: number
}

function leftCells(row: number, { y, lines, labelWidth }: Frame): Cell[] {
  const at = y.ticks.findIndex((tick) => Math.round((lines - 1) * depth(tick, y)) === row)
  const label = (y.labels[at] ?? '').padStart(labelWidth)
  return plainCells(`${label}${at < 0 ? '│' : '┤'}`)
}

/** The axis line with a tick per labelled step, and the labels below it. */
function bottomCells({ axis, columns, labelWidth }: Frame): Cell[][] {
  const line = Array.from({ length: columns }, () => '─')
  const labels = Array.from({ length: columns }, () => ' ')
  const startOf = (step: number) => {
    const width = String(step).length
    const middle = Math.floor(axis.pixel(step) / 2) - Math.floor((width - 1) / 2)
    return Math.max(0, Math.min(middle, columns - width))
  }
  const last = axis.steps.at(-1) ?? 0
  let free = 0
  for (const step of axis.steps) {
    const text = String(step)
    const [start, end] = [startOf(step), startOf(step) + text.length]
    if (start < free || end > columns || (step !== last && end >= startOf(last))) continue
    line[Math.floor(axis.pixel(step) / 2)] = '┬'
    for (const [i, digit] of text.split('').entries()) labels[start + i] = digit
    free = end + 1
  }
  return [
    plainCells(`${' '.repeat(labelWidth)}└${line.join('')}`),
    plainCells(`${' '.repeat(labelWidth + 1)}${labels.join('')}`),
  ]
}

function messageCells(message: string, width: number, height: number): Cell[][] {
  const text = message.slice(0, width)
  const left = Math.floor((width - text.length) / 2)
  return Array.from({ length: height }, (_, row) =>
    plainCells((row === Math.floor((height - 1) / 2) ? ' '.repeat(left) + text : '').padEnd(width)),
  )
}

function plainCells(text: string): Cell[] {
  return text.split('').map((character) => ({ character, series: undefined }))
}

function runsOf(cells: readonly Cell[]): TerminalRun[] {
  const runs: { text: string; series: number | undefined }[] = []
  for (const { character, series } of cells) {
    const last = runs.at(-1)
    if (last !== undefined && last.series === series) last.text += character
    else runs.push({ text: character, series })
  }
  return runs
}
