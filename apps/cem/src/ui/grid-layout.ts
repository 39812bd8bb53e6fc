import type { Action } from '../keys.ts'
import type { CellView, RunView } from '../run-view.ts'

export interface GridRow {
  readonly variant: string
  /** By column; undefined where the variant has no such step. */
  readonly cells: readonly (CellView | undefined)[]
}

/** Variants down, steps across. */
export interface GridView {
  readonly steps: readonly number[]
  readonly rows: readonly GridRow[]
}

export interface Position {
  readonly row: number
  readonly column: number
}

export function gridOf(view: RunView): GridView {
  const cells = [...view.cells.values()]
  const steps = [...new Set(cells.map(({ cell }) => cell.step))].toSorted((a, b) => a - b)
  const variants = [...new Set(cells.map(({ cell }) => cell.variant))]
  const rows = variants.map((variant) => ({
    variant,
    cells: steps.map((step) =>
      cells.find(({ cell }) => cell.variant === variant && cell.step === step),
    ),
  }))
  return { steps, rows }
}

/** Moves to the next cell that exists; stays at the edges. */
export function moveSelection(grid: GridView, at: Position, action: Action): Position {
  if (action === 'up' || action === 'down') {
    const row = at.row + (action === 'up' ? -1 : 1)
    if (row < 0 || row >= grid.rows.length) return at
    return { row, column: nearestColumn(grid.rows[row] as GridRow, at.column) }
  }
  if (action !== 'left' && action !== 'right') return at
  const by = action === 'left' ? -1 : 1
  const cells = grid.rows[at.row]?.cells ?? []
  for (let column = at.column + by; column >= 0 && column < cells.length; column += by)
    if (cells[column] !== undefined) return { ...at, column }
  return at
}

function nearestColumn({ cells }: GridRow, column: number): number {
  const distances = cells.map((cell, i) =>
    cell === undefined ? Number.POSITIVE_INFINITY : Math.abs(i - column),
  )
  return Math.max(0, distances.indexOf(Math.min(...distances)))
}
