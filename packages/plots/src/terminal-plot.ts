import {
  type BrailleCanvas,
  brailleCanvas,
  brailleCharacter,
  countDots,
  drawLine,
  setDot,
} from './braille-canvas.ts'
import type { SeriesPoint } from './rows.ts'
import type { StepAxis } from './step-axis.ts'
import type { ValueAxis } from './value-axis.ts'

/** One character of a chart. */
export interface Cell {
  readonly character: string
  /** Index of the series that it belongs to. */
  readonly series: number | undefined
}

export interface TerminalPlot {
  /** Its px are dots, two to a column. */
  readonly axis: StepAxis
  readonly y: ValueAxis
  readonly columns: number
  readonly lines: number
}

/** The lines of all series, without axes; `endMarks` holds a character per series for its last point. */
export function plotCells(
  series: readonly (readonly SeriesPoint[])[],
  plot: TerminalPlot,
  endMarks: readonly string[],
): Cell[][] {
  const { columns, lines } = plot
  const canvases = series.map((points) => seriesCanvas(points, plot))
  const marks = new Map<number, Cell>()
  for (const [i, points] of series.entries()) {
    const last = points.findLast((point) => point.value !== null)
    const character = endMarks[i]
    if (last === undefined || last.value === null || character === undefined) continue
    const { x, y } = dotOf(last, last.value, plot)
    marks.set(Math.floor(y / 4) * columns + Math.floor(x / 2), { character, series: i })
  }
  const cells = Array.from({ length: lines * columns }, (_, cell) =>
    mergedCell(canvases.map((canvas) => canvas.cells[cell] ?? 0)),
  ).map((cell, i) => marks.get(i) ?? cell)
  return Array.from({ length: lines }, (_, i) => cells.slice(i * columns, (i + 1) * columns))
}

/** 0 at the top of the axis, 1 at its bottom. */
export function depth(value: number, { domain }: ValueAxis): number {
  return (domain[1] - value) / (domain[1] - domain[0])
}

function seriesCanvas(points: readonly SeriesPoint[], plot: TerminalPlot): BrailleCanvas {
  const canvas = brailleCanvas(plot.columns, plot.lines)
  for (const [i, point] of points.entries()) {
    if (point.value === null) continue
    const here = dotOf(point, point.value, plot)
    const before = points[i - 1]
    const isConnected = before !== undefined && before.value !== null
    drawLine(canvas, isConnected ? dotOf(before, before.value, plot) : here, here)
    const isAlone = !isConnected && (points[i + 1]?.value ?? null) === null
    // A dot alone is hardly seen.
    if (isAlone) for (const [dx, dy] of block) setDot(canvas, here.x + dx, here.y + dy)
    drawInterval(canvas, point, plot)
  }
  return canvas
}

const block: readonly (readonly [number, number])[] = [
  [1, 0],
  [0, 1],
  [1, 1],
]

/** Every other dot from the upper bound to the lower. */
function drawInterval(canvas: BrailleCanvas, point: SeriesPoint, plot: TerminalPlot): void {
  if (point.low === null || point.high === null) return
  const bottom = dotOf(point, point.low, plot)
  for (let y = dotOf(point, point.high, plot).y; y <= bottom.y; y += 2) setDot(canvas, bottom.x, y)
}

function dotOf({ step }: SeriesPoint, value: number, { axis, y, lines }: TerminalPlot) {
  return { x: Math.round(axis.pixel(step)), y: Math.round((4 * lines - 1) * depth(value, y)) }
}

/** All dots of a cell; it belongs to the series that has most of them, the first where they tie. */
function mergedCell(dots: readonly number[]): Cell {
  const counts = dots.map(countDots)
  const most = Math.max(0, ...counts)
  return {
    character: brailleCharacter(dots.reduce((a, b) => a | b, 0)),
    series: most === 0 ? undefined : counts.indexOf(most),
  }
}
