import { inkOn } from './colour-scales.ts'
import { fitText } from './label-text.ts'
import { boxLayer, markLayer, type PlacedMark, ruleLayer, textLayer } from './px-layers.ts'
import type { LayerSpec, PanelSpec } from './spec-types.ts'
import { type TextFace, textWidth } from './text-width.ts'
import { fontSizes, inks } from './theme.ts'
import type { VariantStyle } from './variant-styles.ts'

export interface MatrixCell {
  readonly row: number
  readonly column: number
  /** Colour of the scale; null where there is no value: the cell is crossed out. */
  readonly colour: string | null
  /** What stands in the cell where it fits, the first line larger. */
  readonly lines: readonly string[]
  /** Drawn with a dashed frame. */
  readonly isFlagged: boolean
  /** Grey text: no more than what chance gives. */
  readonly isQuiet?: boolean
  readonly description: string
  /** Shown in the tooltip. */
  readonly tooltip: Readonly<Record<string, string | number | null>>
}

export interface MatrixSide {
  /** Drawable. */
  readonly label: string
  readonly style?: VariantStyle | undefined
  readonly isFlagged?: boolean
}

export interface MatrixInput {
  readonly title: string
  readonly rows: readonly MatrixSide[]
  readonly columns: readonly MatrixSide[]
  readonly cells: readonly MatrixCell[]
  /** Px of the cells together, and of one row. */
  readonly width: number
  readonly rowHeight: number
  /** Px that labels of rows take left of the cells. */
  readonly leftRoom: number
  readonly isTurned: boolean
  /** Px above the cells, title and column labels. */
  readonly headHeight: number
  readonly hasRowLabels: boolean
}

const cellFace: TextFace = { fontSize: fontSizes.axis }
const smallFace: TextFace = { fontSize: 8 }
const glyphRoom = 15
const labelFace: TextFace = { fontSize: fontSizes.label }

/** Px that row labels take, marks included. */
export function rowLabelsWidth(rows: readonly MatrixSide[]): number {
  const widths = rows.map(
    ({ label, style }) => textWidth(label, labelFace) + (style === undefined ? 0 : glyphRoom),
  )
  return Math.ceil(Math.max(0, ...widths) + 9)
}

/** Whether column labels have to be turned to stand beside each other, and the px that they take. */
export function columnHead(columns: readonly MatrixSide[], cellWidth: number, hasTitle: boolean) {
  const widest = Math.max(0, ...columns.map(({ label }) => textWidth(label, labelFace)))
  const isTurned = widest > cellWidth - 6
  const hasMarks = columns.some(({ style }) => style !== undefined)
  const labels = isTurned ? widest + 4 : fontSizes.label + 4
  return {
    isTurned,
    headHeight: Math.ceil((hasTitle ? 20 : 2) + labels + (hasMarks ? glyphRoom : 3)),
  }
}

/** A table of coloured cells with their numbers. */
export function matrixPanel(input: MatrixInput): PanelSpec {
  const { rows, columns, cells, width, rowHeight, headHeight } = input
  const cellWidth = width / columns.length
  const boxes = cells.map((cell) => ({
    cell,
    left: cell.column * cellWidth,
    right: (cell.column + 1) * cellWidth,
    top: headHeight + cell.row * rowHeight,
    bottom: headHeight + (cell.row + 1) * rowHeight,
  }))
  const drawn = boxes.filter(({ cell }) => cell.colour !== null)
  const fields = Object.keys(cells[0]?.tooltip ?? {})
  return {
    width,
    height: headHeight + rows.length * rowHeight,
    layer: [
      ...(input.title === ''
        ? []
        : [
            textLayer([{ text: input.title, textX: 0, textY: 5 }], {
              isBold: true,
              fontSize: fontSizes.panel,
            }),
          ]),
      boxLayer(
        drawn.map(({ cell, ...box }) => ({
          ...inset(box),
          cell: cell.colour ?? '',
          description: cell.description,
          ...cell.tooltip,
        })),
        { fields },
      ),
      ...missingLayers(boxes.filter(({ cell }) => cell.colour === null)),
      ...flagLayers(boxes.filter(({ cell }) => cell.isFlagged)),
      ...cellTexts(drawn, cellWidth, rowHeight),
      ...(input.hasRowLabels ? rowLabels(input) : []),
      ...columnLabels(input, cellWidth),
    ],
  }
}

interface Box {
  readonly cell: MatrixCell
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** A gap between cells shows the ground. */
function inset({ left, right, top, bottom }: Omit<Box, 'cell'>) {
  return { left: left + 0.75, right: right - 0.75, top: top + 0.75, bottom: bottom - 0.75 }
}

/** A cell without a value is crossed out, not coloured like a small one. */
function missingLayers(boxes: readonly Box[]): LayerSpec[] {
  if (boxes.length === 0) return []
  return [
    ruleLayer(
      boxes.map((box) => {
        const { left, right, top, bottom } = inset(box)
        return { fromX: left, toX: right, fromY: bottom, toY: top, colour: inks.axis }
      }),
    ),
  ]
}

function flagLayers(boxes: readonly Box[]): LayerSpec[] {
  if (boxes.length === 0) return []
  const edges = boxes.flatMap((box) => {
    const { left, right, top, bottom } = inset(box)
    const line = { colour: inks.text, dash: [2, 2] }
    return [
      { fromX: left, toX: right, fromY: top, toY: top, ...line },
      { fromX: left, toX: right, fromY: bottom, toY: bottom, ...line },
      { fromX: left, toX: left, fromY: top, toY: bottom, ...line },
      { fromX: right, toX: right, fromY: top, toY: bottom, ...line },
    ]
  })
  return [ruleLayer(edges)]
}

/** Numbers stand in all cells or in none; the smaller second line too. */
function cellTexts(boxes: readonly Box[], cellWidth: number, rowHeight: number): LayerSpec[] {
  const fits = (at: number, face: TextFace) =>
    boxes.every(({ cell }) => textWidth(cell.lines[at] ?? '', face) <= cellWidth - 4)
  const hasFirst = fits(0, cellFace) && rowHeight >= 14
  const hasSecond =
    hasFirst && rowHeight >= 27 && fits(1, smallFace) && boxes.some(({ cell }) => cell.lines[1])
  if (!hasFirst) return []
  const layerOf = (at: number, shift: number, fontSize: number) =>
    textLayer(
      boxes.flatMap(({ cell, left, right, top, bottom }) =>
        cell.lines[at] === undefined || cell.lines[at] === ''
          ? []
          : [
              {
                text: cell.lines[at],
                textX: (left + right) / 2,
                textY: (top + bottom) / 2 + shift,
                ink: inkOn(cell.colour ?? '#ffffff'),
              },
            ],
      ),
      { align: 'center', fontSize },
    )
  return hasSecond
    ? [layerOf(0, -5, fontSizes.axis), layerOf(1, 7, 8)]
    : [layerOf(0, 0, fontSizes.axis)]
}

function markOf({ style, isFlagged = false }: MatrixSide, markX: number, markY: number) {
  if (style === undefined) return []
  const mark: PlacedMark = {
    markX,
    markY,
    colour: style.colour,
    fill: isFlagged ? inks.paper : style.colour,
    shape: style.shape,
  }
  return [mark]
}

function rowLabels({ rows, rowHeight, headHeight, leftRoom }: MatrixInput): LayerSpec[] {
  const y = (i: number) => headHeight + (i + 0.5) * rowHeight
  return [
    textLayer(
      rows.map(({ label }, i) => ({ text: label, textX: -7, textY: y(i) })),
      {
        align: 'right',
      },
    ),
    markLayer(rows.flatMap((row, i) => markOf(row, -leftRoom + 6, y(i)))),
  ]
}

function columnLabels(
  { columns, headHeight, isTurned }: MatrixInput,
  cellWidth: number,
): LayerSpec[] {
  const hasMarks = columns.some(({ style }) => style !== undefined)
  const x = (i: number) => (i + 0.5) * cellWidth
  const y = headHeight - (hasMarks ? glyphRoom : 5)
  const texts = columns.map(({ label }, i) => ({ text: label, textX: x(i), textY: y }))
  return [
    textLayer(
      isTurned
        ? texts
        : texts.map((text) => ({ ...text, text: fitText(text.text, cellWidth - 4, labelFace) })),
      isTurned
        ? { isTurned, align: 'left', baseline: 'middle' }
        : { align: 'center', baseline: 'alphabetic' },
    ),
    markLayer(
      columns.flatMap((column, i) => markOf(column, x(i), headHeight - 8)),
      { size: 30 },
    ),
  ]
}
