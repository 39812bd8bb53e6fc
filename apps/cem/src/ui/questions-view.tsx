import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { CellView } from '../run-view.ts'
import { percent, terminalText } from '../terminal-text.ts'
import { fitColumns } from '../text-columns.ts'
import { CellTitle, titleHeight } from './cell-title.tsx'
import type { CellAnswers } from './data/answers.ts'
import type { QuestionRow } from './data/question-rows.ts'
import type { Loaded } from './data/use-loaded.ts'
import { questionOrders } from './state/ui-state.ts'
import { Text } from './text.tsx'
import { type Theme, useTheme } from './theme.ts'

export interface QuestionsViewProps {
  readonly cell: CellView
  readonly loaded: Loaded<CellAnswers>
  readonly rows: readonly QuestionRow[]
  readonly selected: number
  /** Index into `questionOrders`. */
  readonly order: number
  readonly width: number
  readonly height: number
}

export const setNames = { main: '', inDomain: 'in-domain', benign: 'benign' } as const

/** A cell's questions with what their answers came to. */
export function QuestionsView(props: QuestionsViewProps): ReactElement {
  const { cell, loaded, rows, selected, order, width, height } = props
  const theme = useTheme()
  const size = Math.max(1, height - titleHeight(cell) - 3)
  const first = Math.max(0, Math.min(selected - Math.floor(size / 2), rows.length - size))
  const longest = Math.max(...rows.map(({ question }) => question.length), 10)
  const nameWidth = Math.min(longest + 1, Math.floor(width / 3))
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <CellTitle cell={cell} />
      <Text> </Text>
      {rows.length === 0 ? (
        <Text dimColor>{emptyText(loaded)}</Text>
      ) : (
        <Text bold wrap="truncate">
          {`  ${fitColumns('question', nameWidth)}${'answers'.padStart(8)}${'EM'.padStart(6)}${'aligned'.padStart(9)}${'coherent'.padStart(10)}${'missing'.padStart(9)}  `}
          <Text dimColor>by {questionOrders[order]}</Text>
        </Text>
      )}
      {rows.slice(first, first + size).map((row, i) => {
        const isSelected = first + i === selected
        const wording = loaded.value?.wordings.get(row.question)?.[0] ?? ''
        return (
          <Text key={`${row.set} ${row.question}`} wrap="truncate" bold={isSelected}>
            {isSelected ? '> ' : '  '}
            {fitColumns(terminalText(row.question), nameWidth)}
            {String(row.answers.length).padStart(8)}
            <Text {...shareStyle(row.em, theme)}>{percent(row.em).padStart(6)}</Text>
            {meanText(row.aligned).padStart(9)}
            {meanText(row.coherent).padStart(10)}
            {String(totalOf(row)).padStart(9)}
            {'  '}
            <Text dimColor>
              {setNames[row.set]} {terminalText(wording)}
            </Text>
          </Text>
        )
      })}
      {rows.length > size ? (
        <Text dimColor>
          {selected + 1} of {rows.length}
        </Text>
      ) : null}
    </Box>
  )
}

export function emptyText({ value, error }: Loaded<CellAnswers>): string {
  if (error !== undefined) return `The answers cannot be read: ${terminalText(error)}`
  return value === undefined ? 'reading…' : 'no answers yet'
}

function totalOf({ unscored }: QuestionRow): number {
  return Object.values(unscored).reduce((sum, n) => sum + n, 0)
}

function meanText(value: number | null): string {
  return value === null ? '-' : value.toFixed(0)
}

function shareStyle(share: number | null, theme: Theme) {
  const color = share === null ? undefined : theme.shareColour(share)
  return color === undefined ? {} : { color }
}
