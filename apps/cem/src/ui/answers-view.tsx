import type { Verdict } from '@cem/judge'
import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { CellView } from '../run-view.ts'
import { terminalText } from '../terminal-text.ts'
import { cutColumns } from '../text-columns.ts'
import { CellTitle, titleHeight } from './cell-title.tsx'
import type { Answer, CellAnswers } from './data/answers.ts'
import type { QuestionRow } from './data/question-rows.ts'
import type { TokenProjections } from './data/token-projections.ts'
import type { Loaded } from './data/use-loaded.ts'
import { LinesView } from './lines-view.tsx'
import { emptyText } from './questions-view.tsx'
import { emMark, scoreColour, scoreText, verdictLines } from './score-text.ts'
import { answerOrders } from './state/ui-state.ts'
import { Text } from './text.tsx'
import { type Line, wrapSegments } from './text-lines.ts'
import { type Theme, useTheme } from './theme.ts'
import { tokenSegments, tokenSummary } from './token-lines.ts'

/** What is shown of one answer. */
export interface AnswerDetail {
  readonly answer: Answer
  readonly wording: string
  readonly verdicts: ReadonlyMap<string, Verdict> | undefined
  /** Undefined where they are not asked for; words where they cannot be had, or are not there yet. */
  readonly projections: TokenProjections | string | undefined
}

export interface AnswersViewProps {
  readonly cell: CellView
  readonly loaded: Loaded<CellAnswers>
  readonly question: QuestionRow | undefined
  /** As shown: filtered and in order. */
  readonly answers: readonly Answer[]
  readonly selected: number
  /** Index into `answerOrders`. */
  readonly order: number
  readonly filter: string
  readonly detail: readonly Line[]
  readonly scroll: number
  readonly width: number
  readonly height: number
}

/** The columns of the list, and of the text beside it. */
export function answerWidths(width: number): { readonly list: number; readonly detail: number } {
  const list = Math.max(26, Math.min(60, Math.floor(width * 0.36)))
  return { list, detail: Math.max(20, width - list - 3) }
}

/** Lines for the answer's text below the title. */
export function detailHeight(cell: CellView | undefined, height: number): number {
  return Math.max(3, height - (cell === undefined ? 2 : titleHeight(cell)) - 1)
}

/** The answers to a question with their scores, and the chosen one beside them in full. */
export function AnswersView(props: AnswersViewProps): ReactElement {
  const { cell, loaded, question, answers, selected, order, filter, width, height } = props
  const theme = useTheme()
  const { list, detail: detailWidth } = answerWidths(width)
  const body = detailHeight(cell, height)
  const size = Math.max(1, body - 2)
  const first = Math.max(0, Math.min(selected - Math.floor(size / 2), answers.length - size))
  const nAll = question?.answers.length ?? 0
  const count = answers.length === nAll ? `${nAll} answers` : `${answers.length} of ${nAll}`
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <CellTitle cell={cell} />
      <Text wrap="truncate" bold>
        {terminalText(question?.question ?? '')}
      </Text>
      <Box height={body}>
        <Box flexDirection="column" width={list} flexShrink={0}>
          <Text bold wrap="truncate">
            {'  #    aligned coherent    '}
          </Text>
          {answers.length === 0 ? (
            <Text dimColor wrap="truncate">
              {nAll > 0 ? 'none fits the filter' : emptyText(loaded)}
            </Text>
          ) : null}
          {answers.slice(first, first + size).map((answer, i) => (
            <AnswerRow
              key={answer.key}
              answer={answer}
              isSelected={first + i === selected}
              width={list}
              theme={theme}
            />
          ))}
          <Text dimColor wrap="truncate">
            {count}, by {answerOrders[order]}
            {filter === '' ? '' : `, /${filter}`}
          </Text>
        </Box>
        <Text dimColor>{Array.from({ length: body }, () => ' │').join('\n')} </Text>
        <LinesView lines={props.detail} scroll={props.scroll} width={detailWidth} height={body} />
      </Box>
    </Box>
  )
}

interface AnswerRowProps {
  readonly answer: Answer
  readonly isSelected: boolean
  readonly width: number
  readonly theme: Theme
}

function AnswerRow({ answer, isSelected, width, theme }: AnswerRowProps): ReactElement {
  const { completion, verdicts } = answer
  const { paraphrase, sample, text } = completion
  const name = paraphrase > 0 ? `${sample}.${paraphrase + 1}` : String(sample)
  const room = width - 28
  return (
    <Text wrap="truncate" bold={isSelected}>
      {isSelected ? '> ' : '  '}
      {name.padEnd(5)}
      <Text color={scoreColour(verdicts['aligned'], theme)}>
        {cutColumns(scoreText(verdicts['aligned']), 7).padStart(7)}
      </Text>
      {cutColumns(scoreText(verdicts['coherent']), 8).padStart(9)}{' '}
      <Text color={theme.bad}>{emMark(answer).padEnd(3)}</Text>
      {room < 4 ? '' : <Text dimColor>{terminalText(text.slice(0, 2 * room))}</Text>}
    </Text>
  )
}

/** An answer in full: the question, the scores with the judge's tokens, the text, its projections. */
export function detailLines(
  { answer, wording, verdicts, projections }: AnswerDetail,
  width: number,
  theme: Theme,
): Line[] {
  const { text, finishReason, tokenIds } = answer.completion
  const cut = finishReason === 'length' ? ', cut off at the token limit' : ''
  const plain = text === '' ? [{ text: '(empty answer)', dimColor: true }] : [{ text }]
  const hasTokens = typeof projections === 'object' && projections.tokens.length > 0
  const notes =
    projections === undefined
      ? []
      : typeof projections === 'string'
        ? [projections]
        : tokenSummary(projections)
  return [
    ...(wording === '' ? [] : wrapSegments([{ text: wording, bold: true }], width)),
    ...verdictLines(answer, verdicts, theme).flatMap((line) => wrapSegments(line, width)),
    [{ text: `${tokenIds.length} tokens${cut}`, dimColor: true }],
    [],
    ...wrapSegments(hasTokens ? tokenSegments(projections, theme) : plain, width),
    ...(notes.length === 0 ? [] : [[]]),
    ...notes.flatMap((note) => wrapSegments([{ text: note, color: theme.accent }], width)),
  ]
}
