/** Dots of one series, two across and four down in a character cell. */
export interface BrailleCanvas {
  /** Cells across and down. */
  readonly columns: number
  readonly rows: number
  /** Which of its eight dots each cell has, row-major: the low byte of its character in Unicode's braille block. */
  readonly cells: Uint8Array
}

export function brailleCanvas(columns: number, rows: number): BrailleCanvas {
  return { columns, rows, cells: new Uint8Array(columns * rows) }
}

/** Sets the dot in column `x` from the left and row `y` from the top; beyond the canvas there are none. */
export function setDot({ columns, rows, cells }: BrailleCanvas, x: number, y: number): void {
  if (x < 0 || y < 0 || x >= 2 * columns || y >= 4 * rows) return
  const cell = Math.floor(y / 4) * columns + Math.floor(x / 2)
  cells[cell] = (cells[cell] ?? 0) | (dotBits[2 * (y % 4) + (x % 2)] ?? 0)
}

/** Sets the dots of a straight line, both ends included (Bresenham's algorithm). */
export function drawLine(
  canvas: BrailleCanvas,
  from: { readonly x: number; readonly y: number },
  to: { readonly x: number; readonly y: number },
): void {
  const [dx, dy] = [Math.abs(to.x - from.x), -Math.abs(to.y - from.y)]
  const [stepX, stepY] = [Math.sign(to.x - from.x), Math.sign(to.y - from.y)]
  let { x, y } = from
  let error = dx + dy
  for (;;) {
    setDot(canvas, x, y)
    if (x === to.x && y === to.y) return
    const doubled = 2 * error
    if (doubled >= dy) {
      error += dy
      x += stepX
    }
    if (doubled <= dx) {
      error += dx
      y += stepY
    }
  }
}

/** The character with these dots; a space where there are none. */
export function brailleCharacter(dots: number): string {
  return dots === 0 ? ' ' : String.fromCodePoint(0x2800 + dots)
}

export function countDots(dots: number): number {
  let count = 0
  for (let rest = dots; rest > 0; rest >>= 1) count += rest & 1
  return count
}

/** Bits by row and column, in the order of Unicode's braille patterns: dots 1, 4, 2, 5, 3, 6, 7, 8. */
const dotBits = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]
