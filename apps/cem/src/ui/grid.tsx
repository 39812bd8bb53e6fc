import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { CellView } from '../run-view.ts'
import { terminalText } from '../terminal-text.ts'
import { fitColumns } from '../text-columns.ts'
import { cellText, legend } from './state/cell-state.ts'
import type { GridView, Position } from './state/grid-layout.ts'
import { Text } from './text.tsx'
import { type Theme, useTheme } from './theme.ts'

const cellWidth = 8

export interface GridProps {
  readonly grid: GridView
  readonly selected: Position
  /** Id of the cell that is to be compared. */
  readonly marked: string | null
  readonly width: number
  readonly height: number
  /** What is left out or in which order, said behind the heading. */
  readonly note: string
}

/** Lines that a grid takes besides its rows. */
export const gridFrame = 2

/** The columns that the whole grid takes, and its legend at least. */
export function naturalWidth({ steps, rows }: GridView): number {
  const longest = Math.max(12, ...rows.map(({ variant }) => variant.length))
  return Math.max(longest + 1 + steps.length * cellWidth, leastLegend)
}

const leastLegend = 68

/** EM % of every variant at every step, with what is not known yet and why. */
export function Grid({ grid, selected, marked, width, height, note }: GridProps): ReactElement {
  const longest = Math.max(12, ...grid.rows.map(({ variant }) => variant.length))
  const shortest = Math.max(14, Math.floor(width / 3), width - grid.steps.length * cellWidth)
  const nameWidth = Math.min(longest + 1, shortest)
  const nColumns = Math.max(1, Math.floor((width - nameWidth) / cellWidth))
  const firstColumn = window(selected.column, nColumns, grid.steps.length)
  const nRows = Math.max(1, height - gridFrame)
  const firstRow = window(selected.row, nRows, grid.rows.length)
  const steps = grid.steps.slice(firstColumn, firstColumn + nColumns)
  const rows = grid.rows.slice(firstRow, firstRow + nRows)
  const more = hiddenText({
    above: firstRow,
    below: grid.rows.length - firstRow - rows.length,
    left: firstColumn,
    right: grid.steps.length - firstColumn - steps.length,
  })
  return (
    <Box flexDirection="column" height={height} flexShrink={0}>
      <Text bold wrap="truncate">
        {fitColumns('EM % at step', nameWidth)}
        {steps.map((step) => `${String(step).padStart(cellWidth - 1)} `).join('')}
      </Text>
      {rows.map((row, i) => (
        <Text key={row.variant} wrap="truncate">
          <Text bold={firstRow + i === selected.row}>
            {fitColumns(terminalText(row.variant), nameWidth - 1)}{' '}
          </Text>
          {row.cells.slice(firstColumn, firstColumn + nColumns).map((cell, j) => (
            <GridCell
              key={grid.steps[firstColumn + j]}
              cell={cell}
              isSelected={firstRow + i === selected.row && firstColumn + j === selected.column}
              isMarked={cell !== undefined && cell.cell.id === marked}
            />
          ))}
        </Text>
      ))}
      <Text dimColor wrap="truncate">
        {[more, note, legend(width)].filter((text) => text !== '').join('  ')}
      </Text>
    </Box>
  )
}

function hiddenText(
  hidden: Readonly<Record<'above' | 'below' | 'left' | 'right', number>>,
): string {
  const arrows = { above: '↑', below: '↓', left: '←', right: '→' } as const
  return (['above', 'below', 'left', 'right'] as const)
    .filter((side) => hidden[side] > 0)
    .map((side) => `${arrows[side]}${hidden[side]}`)
    .join(' ')
}

interface GridCellProps {
  readonly cell: CellView | undefined
  readonly isSelected: boolean
  readonly isMarked: boolean
}

function GridCell({ cell, isSelected, isMarked }: GridCellProps): ReactElement {
  const theme = useTheme()
  if (cell === undefined) return <Text>{' '.repeat(cellWidth)}</Text>
  const shown = cellText(cell)
  const [left, right] = isSelected ? '[]' : isMarked ? '«»' : '  '
  return (
    <Text bold={isSelected}>
      <Text {...styleOf(shown, theme)}>
        {left}
        {shown.text.padStart(cellWidth - 2)}
      </Text>
      {right}
    </Text>
  )
}

function styleOf({ tone, share }: ReturnType<typeof cellText>, theme: Theme) {
  if (tone === 'muted') return { dimColor: true }
  const heat = share === null ? undefined : theme.heat(share)
  if (heat !== undefined) return { backgroundColor: heat.background, color: heat.text }
  const color =
    tone !== 'share' ? theme[tone] : share === null ? undefined : theme.shareColour(share)
  return color === undefined ? {} : { color }
}

/** The first of `size` items in view, so that `at` is among them. */
function window(at: number, size: number, total: number): number {
  return Math.max(0, Math.min(at - Math.floor(size / 2), total - size))
}
