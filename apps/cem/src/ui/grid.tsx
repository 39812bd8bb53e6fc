import { Box, Text } from 'ink'
import type { ReactElement } from 'react'
import type { CellView } from '../run-view.ts'
import { percent, shorten, terminalText } from '../terminal-text.ts'
import type { GridView, Position } from './grid-layout.ts'

const cellWidth = 9

export interface GridProps {
  readonly grid: GridView
  readonly selected: Position
  readonly width: number
  readonly height: number
}

/** EM % of every variant at every step, with what is not known yet and why. */
export function Grid({ grid, selected, width, height }: GridProps): ReactElement {
  const nameWidth = Math.min(
    Math.max(12, ...grid.rows.map(({ variant }) => variant.length)) + 2,
    Math.max(14, Math.floor(width / 3)),
  )
  const nColumns = Math.max(1, Math.floor((width - nameWidth) / cellWidth))
  const firstColumn = window(selected.column, nColumns, grid.steps.length)
  const nRows = Math.max(1, height - 2)
  const firstRow = window(selected.row, nRows, grid.rows.length)
  const steps = grid.steps.slice(firstColumn, firstColumn + nColumns)
  return (
    <Box flexDirection="column" height={height} flexShrink={0}>
      <Text bold>
        {'EM % at step'.padEnd(nameWidth)}
        {steps
          .map((step) =>
            String(step)
              .padStart(cellWidth - 2)
              .padEnd(cellWidth),
          )
          .join('')}
      </Text>
      {grid.rows.slice(firstRow, firstRow + nRows).map((row, i) => (
        <Text key={row.variant} wrap="truncate">
          <Text dimColor={firstRow + i !== selected.row}>
            {shorten(terminalText(row.variant), nameWidth - 2).padEnd(nameWidth)}
          </Text>
          {row.cells.slice(firstColumn, firstColumn + nColumns).map((cell, j) => (
            <GridCell
              key={grid.steps[firstColumn + j]}
              cell={cell}
              isSelected={firstRow + i === selected.row && firstColumn + j === selected.column}
            />
          ))}
        </Text>
      ))}
      <Text dimColor wrap="truncate">
        {'· waits  ⋯ answers  ? judging  ✗ failed  ! collapsed  ≠ persona not as in training'}
      </Text>
    </Box>
  )
}

function GridCell({
  cell,
  isSelected,
}: {
  cell: CellView | undefined
  isSelected: boolean
}): ReactElement {
  const { text, color } = cellText(cell)
  const shown = ` ${text.padStart(cellWidth - 3)}  `
  return (
    <Text
      {...(color === undefined ? {} : { color })}
      inverse={isSelected}
      dimColor={color === undefined}
    >
      {shown}
    </Text>
  )
}

/** The state of a cell in at most six characters; never by colour alone. */
export function cellText(cell: CellView | undefined): { text: string; color: string | undefined } {
  if (cell === undefined) return { text: '', color: undefined }
  const { generate, judge, metrics, isCollapsed } = cell
  if (generate.state === 'failed' || judge.state === 'failed') return { text: '✗', color: 'red' }
  if (metrics !== null) {
    const em = metrics.main.em.estimate
    const mark = isCollapsed ? '!' : cell.cell.match === 'as-trained' ? '' : '≠'
    return { text: `${percent(em)}${mark}`, color: isCollapsed ? 'magenta' : emColor(em) }
  }
  if (judge.state === 'running')
    return { text: `?${share(judge.done, judge.total)}`, color: 'cyan' }
  if (generate.state === 'running')
    return { text: `⋯${share(generate.done, generate.total)}`, color: 'cyan' }
  return { text: generate.state === 'done' ? '?' : '·', color: undefined }
}

function share(done: number, total: number): string {
  return total === 0 ? '' : percent(done / total)
}

function emColor(em: number | null): string {
  if (em === null) return 'gray'
  return em < 0.05 ? 'green' : em < 0.2 ? 'yellow' : 'red'
}

/** The first of `size` items in view, so that `at` is among them. */
function window(at: number, size: number, total: number): number {
  return Math.max(0, Math.min(at - Math.floor(size / 2), total - size))
}
