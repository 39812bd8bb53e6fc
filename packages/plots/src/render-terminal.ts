import type { TopLevelSpec } from 'vega-lite'
import { background, foreground } from './ansi-colour.ts'
import {
  type BrailleCanvas,
  brailleCanvas,
  brailleCharacter,
  drawLine,
  setDot,
} from './braille-canvas.ts'
import { inkOn } from './colour-scales.ts'
import { checkChoice, checkWhole } from './figure-options.ts'
import { type RenderOptions, sceneOf } from './render.ts'
import type { Scene, SceneBox, SceneLine, SceneSymbol, SceneText } from './scene.ts'
import { inks } from './theme.ts'

export interface TerminalOptions extends RenderOptions {
  /** Columns, minimum 40. Fewer than about a sixth of the figure's px leave labels no room. @default what the figure needs */
  readonly columns?: number | undefined
  /** `ansi`: SGR sequences of the 256-colour palette; `none`: marks alone tell series apart. @default 'none' */
  readonly colour?: 'none' | 'ansi' | undefined
}

/**
 * Draws a spec as lines of text: lines and bars as braille dots, marks and labels as characters, cells of heat maps and strips as
 * coloured grounds. Labels that find no room are listed below the figure.
 *
 * @throws CemError `plot-option-invalid`, `plot-render-failed`
 */
export async function renderTerminal(
  spec: TopLevelSpec,
  options: TerminalOptions = {},
): Promise<string> {
  const { columns, colour = 'none', ...render } = options
  if (columns !== undefined) checkWhole('columns', columns, 40)
  checkChoice('colour', colour, ['none', 'ansi'])
  const scene = await sceneOf(spec, render)
  const grid = gridFor(scene, columns)
  const of = <K extends Scene['marks'][number]['kind']>(kind: K) =>
    scene.marks.filter(
      (mark): mark is Extract<Scene['marks'][number], { kind: K }> => mark.kind === kind,
    )
  for (const box of of('box')) paintBox(grid, box)
  drawLines(grid, of('line'))
  for (const symbol of of('symbol')) placeSymbol(grid, symbol)
  const left = of('text').flatMap((text) => (placeText(grid, text) ? [] : [text.text]))
  const lines = grid.rows.map((row) => rowText(row, colour === 'ansi'))
  const first = lines.findIndex((line) => line.trim() !== '')
  const last = lines.findLastIndex((line) => line.trim() !== '')
  return [
    ...lines.slice(Math.max(first, 0), last + 1),
    ...(left.length === 0 ? [] : [`No room for: ${[...new Set(left)].join('; ')}`]),
  ].join('\n')
}

interface Cell {
  character: string
  colour: string
  ground: string
  isText: boolean
  isBold: boolean
}

interface Grid {
  readonly rows: Cell[][]
  readonly columns: number
  /** Px of a column and of a line. */
  readonly cellWidth: number
  readonly cellHeight: number
}

/** Px of a column at which labels fit as they do in the figure: a character of 11 px Inter. */
const naturalColumn = 5.8

function gridFor({ width, height }: Scene, columns: number | undefined): Grid {
  const natural = Math.ceil(width / naturalColumn)
  const across = Math.min(columns ?? natural, natural)
  const cellWidth = width / across
  const cellHeight = Math.min(2.1 * cellWidth, 13)
  const down = Math.ceil(height / cellHeight)
  const rows = Array.from({ length: down }, () =>
    Array.from(
      { length: across },
      (): Cell => ({
        character: ' ',
        colour: '',
        ground: '',
        isText: false,
        isBold: false,
      }),
    ),
  )
  return { rows, columns: across, cellWidth, cellHeight }
}

function cellAt({ rows, cellWidth, cellHeight }: Grid, x: number, y: number): Cell | undefined {
  return rows[Math.floor(y / cellHeight)]?.[Math.floor(x / cellWidth)]
}

/** A ground for cells whose middle the box covers; ground colours of the figure itself stay out. */
function paintBox(grid: Grid, { left, top, right, bottom, colour }: SceneBox): void {
  const isOwn = [inks.paper, inks.shade].includes(colour)
  if (isOwn || colour === '') return
  const { cellWidth, cellHeight } = grid
  for (let row = Math.floor(top / cellHeight); row * cellHeight < bottom; row++)
    for (let column = Math.floor(left / cellWidth); column * cellWidth < right; column++) {
      const [x, y] = [(column + 0.5) * cellWidth, (row + 0.5) * cellHeight]
      if (x < left || x > right || y < top || y > bottom) continue
      const cell = grid.rows[row]?.[column]
      if (cell !== undefined) cell.ground = colour
    }
}

/** One canvas per colour, so that a cell has the colour of the line drawn last in it. */
function drawLines(grid: Grid, lines: readonly SceneLine[]): void {
  const { columns, rows, cellWidth, cellHeight } = grid
  const dot = ([x, y]: readonly [number, number]) => ({
    x: Math.round((2 * x) / cellWidth),
    y: Math.round((4 * y) / cellHeight),
  })
  const whole = brailleCanvas(columns, rows.length)
  for (const { points, colour, isDashed } of lines) {
    const own = brailleCanvas(columns, rows.length)
    for (const [i, point] of points.entries()) {
      const before = points[i - 1]
      if (before !== undefined) drawLine(own, dot(before), dot(point))
      else if (points.length === 1) setDot(own, dot(point).x, dot(point).y)
    }
    if (isDashed) thinOut(own)
    for (const [at, dots] of own.cells.entries()) {
      if (dots === 0) continue
      whole.cells[at] = (whole.cells[at] ?? 0) | dots
      const cell = rows[Math.floor(at / columns)]?.[at % columns]
      if (cell === undefined) continue
      cell.character = brailleCharacter(whole.cells[at] ?? 0)
      cell.colour = colour
    }
  }
}

/** Every other dot, in both directions. */
function thinOut({ cells }: BrailleCanvas): void {
  // Dots 1, 6, 3 and 8 of a cell: none beside or below another.
  for (const [at, dots] of cells.entries()) cells[at] = dots & 0xa5
}

const characters: Readonly<Record<string, readonly [filled: string, hollow: string]>> = {
  circle: ['●', '○'],
  square: ['■', '□'],
  'triangle-up': ['▲', '△'],
  diamond: ['◆', '◇'],
  'triangle-down': ['▼', '▽'],
  cross: ['✚', '+'],
  'triangle-right': ['▶', '▷'],
  'triangle-left': ['◀', '◁'],
}

function placeSymbol(grid: Grid, { x, y, shape, colour, isHollow }: SceneSymbol): void {
  const cell = cellAt(grid, x, y)
  if (cell === undefined) return
  cell.character = (characters[shape] ?? ['●', '○'])[isHollow ? 1 : 0]
  cell.colour = colour
}

/** Writes a text where it stands, or a line above or below; false where other text is in the way. */
function placeText(grid: Grid, text: SceneText): boolean {
  const symbols = Array.from(text.text)
  if (text.isTurned) return placeTurned(grid, text, symbols)
  const at = text.x / grid.cellWidth
  const start = { left: at, center: at - symbols.length / 2, right: at - symbols.length }[
    text.align
  ]
  const from = Math.min(Math.max(0, Math.round(start)), Math.max(0, grid.columns - symbols.length))
  const line = Math.floor(text.y / grid.cellHeight)
  const shown =
    symbols.length > grid.columns ? [...symbols.slice(0, grid.columns - 1), '…'] : symbols
  for (const row of [line, line + 1, line - 1]) {
    const cells = grid.rows[row]
    if (cells === undefined) continue
    const own = cells.slice(from, from + shown.length)
    const beside = [cells[from - 1], cells[from + shown.length]]
    if ([...own, ...beside].some((cell) => cell?.isText === true)) continue
    for (const [i, cell] of own.entries()) write(cell, shown[i] ?? ' ', text)
    // What was cut is given in full below.
    return shown === symbols
  }
  return false
}

/** Upwards from its lower end, or around its middle, as far as there are lines; shortened, it counts as without room. */
function placeTurned(grid: Grid, text: SceneText, symbols: readonly string[]): boolean {
  const column = Math.floor(text.x / grid.cellWidth)
  const line = Math.floor(text.y / grid.cellHeight)
  const top =
    text.align === 'center' ? line - Math.floor(symbols.length / 2) : line - symbols.length + 1
  const cells = symbols.map((_, i) => grid.rows[top + i]?.[column])
  if (top < 0 || cells.some((cell) => cell === undefined || cell.isText)) {
    const room: Cell[] = []
    for (let row = line; row >= 0; row--) {
      const cell = grid.rows[row]?.[column]
      if (cell === undefined || cell.isText) break
      room.unshift(cell)
    }
    const shown = symbols.length > room.length ? symbols.slice(0, room.length) : symbols
    for (const [i, cell] of room.slice(-shown.length).entries()) write(cell, shown[i] ?? ' ', text)
    return false
  }
  for (const [i, cell] of cells.entries())
    if (cell !== undefined) write(cell, symbols[i] ?? ' ', text)
  return true
}

function write(cell: Cell, character: string, { colour, isBold }: SceneText): void {
  cell.character = character
  cell.colour = cell.ground === '' ? colour : inkOn(cell.ground)
  cell.isText = true
  cell.isBold = isBold
}

function rowText(row: readonly Cell[], hasColour: boolean): string {
  const plain = row.map(({ character }) => character).join('')
  if (!hasColour) return plain.trimEnd()
  const styled = row.map((cell) => ({ cell, code: codeOf(cell) }))
  const last = styled.findLastIndex(({ cell }) => cell.character !== ' ' || cell.ground !== '')
  let line = ''
  let current = ''
  for (const { cell, code } of styled.slice(0, last + 1)) {
    if (code !== current) line += `\u001b[0${code === '' ? '' : `;${code}`}m`
    current = code
    line += cell.character
  }
  return current === '' ? line : `${line}\u001b[0m`
}

function codeOf({ colour, ground, isBold }: Cell): string {
  // White or black on a coloured ground, whatever the terminal's own colours are.
  const ink = ground === '' ? foreground(colour) : colour === '#fff' ? '97' : '38;5;16'
  return [isBold ? '1' : '', ink, ground === '' ? '' : background(ground)].filter(Boolean).join(';')
}
