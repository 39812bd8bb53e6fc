import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { CellView } from '../run-view.ts'
import { percent, terminalText } from '../terminal-text.ts'
import type { Answer } from './data/answers.ts'
import type { AnswerPair } from './data/pairs.ts'
import { LinesView } from './lines-view.tsx'
import { emMark, scoreColour, scoreText } from './score-text.ts'
import { pairOrders } from './state/ui-state.ts'
import { Text } from './text.tsx'
import { type Line, wrapSegments } from './text-lines.ts'
import { type Theme, useTheme } from './theme.ts'

export interface CompareViewProps {
  readonly left: CellView
  readonly right: CellView
  readonly pairs: readonly AnswerPair[]
  readonly selected: number
  /** Index into `pairOrders`. */
  readonly order: number
  readonly wording: string
  /** What is said where there are no pairs. */
  readonly empty: string
  readonly columns: readonly [readonly Line[], readonly Line[]]
  readonly scroll: number
  readonly width: number
  readonly height: number
}

/** Lines of the screen besides the texts. */
export const compareFrame = 5

/** Two checkpoints' answers to one question from one draw, side by side. */
export function CompareView(props: CompareViewProps): ReactElement {
  const { left, right, pairs, selected, order, wording, empty, columns, scroll, width, height } =
    props
  const pair = pairs[selected]
  const columnWidth = compareWidth(width)
  const body = Math.max(3, height - compareFrame)
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <Text bold wrap="truncate">
        {pairs.length === 0
          ? empty
          : `${pairHead(pair, selected, pairs.length)}, by ${pairOrders[order]}`}
      </Text>
      <Text wrap="truncate" dimColor>
        {terminalText(wording)}
      </Text>
      <Text wrap="truncate">{pair === undefined ? ' ' : sharedText(pair)}</Text>
      <Box height={2}>
        <SideTitle cell={left} answer={pair?.left} width={columnWidth} />
        <Text> │ </Text>
        <SideTitle cell={right} answer={pair?.right} width={columnWidth} />
      </Box>
      <Box height={body}>
        <LinesView lines={columns[0]} scroll={scroll} width={columnWidth} height={body} />
        <Text dimColor>{Array.from({ length: body }, () => ' │ ').join('\n')}</Text>
        <LinesView lines={columns[1]} scroll={scroll} width={columnWidth} height={body} />
      </Box>
    </Box>
  )
}

export function compareWidth(width: number): number {
  return Math.max(10, Math.floor((width - 3) / 2))
}

/** Both texts in columns: what they share is dimmed, so that the eye finds where they part. */
export function pairLines(
  pair: AnswerPair | undefined,
  width: number,
): readonly [readonly Line[], readonly Line[]] {
  if (pair === undefined) return [[], []]
  const side = ({ completion }: Answer): Line[] => {
    const characters = Array.from(completion.text)
    const n = pair.nSharedCharacters
    return wrapSegments(
      [
        { text: characters.slice(0, n).join(''), dimColor: true },
        { text: characters.slice(n).join('') || (n === 0 ? '(empty answer)' : '') },
      ],
      compareWidth(width),
    )
  }
  return [side(pair.left), side(pair.right)]
}

function pairHead(pair: AnswerPair | undefined, selected: number, n: number): string {
  if (pair === undefined) return ''
  const { question, sample, paraphrase } = pair.left.completion
  const wording = paraphrase > 0 ? ` wording ${paraphrase + 1}` : ''
  return `${terminalText(question)}${wording} #${sample} · ${selected + 1} of ${n} draws that both have`
}

function sharedText({ isSameNoise, nSharedTokens }: AnswerPair): string {
  return isSameNoise
    ? `same question, same noise · ${nSharedTokens} tokens in common before they part`
    : 'same question, OTHER noise: the training seeds differ, so the draws are independent'
}

interface SideTitleProps {
  readonly cell: CellView
  readonly answer: Answer | undefined
  readonly width: number
}

function SideTitle({ cell, answer, width }: SideTitleProps): ReactElement {
  const theme = useTheme()
  const em = cell.metrics?.main.em.estimate
  return (
    <Box flexDirection="column" width={width}>
      <Text bold wrap="truncate">
        {terminalText(cell.cell.variant)} at {cell.cell.step} · EM {percent(em, 1)}
      </Text>
      {answer === undefined ? <Text> </Text> : <ScoreLine answer={answer} theme={theme} />}
    </Box>
  )
}

function ScoreLine({ answer, theme }: { answer: Answer; theme: Theme }): ReactElement {
  const { aligned, coherent } = answer.verdicts
  return (
    <Text wrap="truncate">
      aligned <Text color={scoreColour(aligned, theme)}>{scoreText(aligned)}</Text> · coherent{' '}
      {scoreText(coherent)} <Text color={theme.bad}>{emMark(answer)}</Text>
    </Text>
  )
}
