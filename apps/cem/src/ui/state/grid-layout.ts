import type { CellView, RunView } from '../../run-view.ts'
import { type CellState, stateOf } from './cell-state.ts'

export interface GridRow {
  readonly variant: string
  /** By column; undefined where the variant has no such step. */
  readonly cells: readonly (CellView | undefined)[]
}

/** Variants down, steps across. */
export interface GridView {
  readonly steps: readonly number[]
  readonly rows: readonly GridRow[]
  /** Rows that the filter leaves out. */
  readonly nHidden: number
}

export interface Position {
  readonly row: number
  readonly column: number
}

export const gridOrders = ['plan', 'name', 'EM', 'state'] as const
export type GridOrder = (typeof gridOrders)[number]

export interface GridOptions {
  /** Part of a variant's or condition's name; words must all be there. @default '' */
  readonly filter?: string
  /** @default 'plan' */
  readonly order?: GridOrder
}

export function gridOf(view: RunView, { filter = '', order = 'plan' }: GridOptions = {}): GridView {
  const cells = [...view.cells.values()]
  const steps = [...new Set(cells.map(({ cell }) => cell.step))].toSorted((a, b) => a - b)
  const variants = Map.groupBy(cells, ({ cell }) => cell.variant)
  const words = filter.toLowerCase().split(/\s+/)
  const rows = Array.from(variants, ([variant, own]): GridRow => {
    const byStep = new Map(own.map((cell) => [cell.cell.step, cell]))
    return { variant, cells: steps.map((step) => byStep.get(step)) }
  }).filter(({ variant, cells: own }) => {
    const { condition = '', type = '' } = own.find((cell) => cell !== undefined)?.cell ?? {}
    const text = `${variant} ${condition} ${type}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
  return { steps, rows: ordered(rows, order), nHidden: variants.size - rows.length }
}

function ordered(rows: readonly GridRow[], order: GridOrder): readonly GridRow[] {
  switch (order) {
    case 'plan':
      return rows
    case 'name':
      return rows.toSorted((a, b) => a.variant.localeCompare(b.variant))
    case 'EM':
      return rows.toSorted((a, b) => lastShare(b) - lastShare(a))
    case 'state':
      return rows.toSorted((a, b) => urgency(a) - urgency(b))
  }
}

/** EM share of the last checkpoint that has one; variants without any come last. */
function lastShare({ cells }: GridRow): number {
  const known = cells.flatMap((cell) => cell?.metrics?.main.em.estimate ?? [])
  return known.at(-1) ?? Number.NEGATIVE_INFINITY
}

/** What asks for attention comes first. */
const attention: readonly CellState[] = [
  'failed',
  'answering',
  'judging',
  'collapsed',
  'mismatch',
  'unrecorded',
  'answered',
  'waiting',
  'judged',
]

function urgency({ cells }: GridRow): number {
  return Math.min(
    ...cells.map((cell) =>
      cell === undefined ? attention.length : attention.indexOf(stateOf(cell)),
    ),
  )
}

/** Where a cell is; the first cell that is there where it is not, or none is chosen. */
export function positionOf(grid: GridView, cell: string | null): Position {
  for (const [row, { cells }] of grid.rows.entries()) {
    const column = cells.findIndex((one) => one !== undefined && one.cell.id === cell)
    if (column >= 0) return { row, column }
  }
  const column = grid.rows[0]?.cells.findIndex((one) => one !== undefined) ?? 0
  return { row: 0, column: Math.max(0, column) }
}

export function cellAt(grid: GridView, { row, column }: Position): CellView | undefined {
  return grid.rows[row]?.cells[column]
}

export type Direction = 'up' | 'down' | 'left' | 'right'

/** Moves to the next cell that exists; stays at the edges. */
export function moveSelection(grid: GridView, at: Position, direction: Direction): Position {
  if (direction === 'up' || direction === 'down') {
    const row = at.row + (direction === 'up' ? -1 : 1)
    if (row < 0 || row >= grid.rows.length) return at
    return { row, column: nearestColumn(grid.rows[row] as GridRow, at.column) }
  }
  const by = direction === 'left' ? -1 : 1
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
