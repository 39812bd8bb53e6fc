import { Box, Text } from 'ink'
import type { ReactElement } from 'react'
import type { CellView } from '../run-view.ts'
import { percent, terminalText } from '../terminal-text.ts'
import type { Answer } from './use-answers.ts'

export interface AnswersViewProps {
  readonly cell: CellView
  /** Undefined while they are read. */
  readonly answers: readonly Answer[] | undefined
  /** Index of the first answer shown. */
  readonly scroll: number
  readonly width: number
  readonly height: number
}

/** The answers of one cell with their scores. */
export function AnswersView({
  cell,
  answers,
  scroll,
  width,
  height,
}: AnswersViewProps): ReactElement {
  const { cell: plan, metrics } = cell
  const em = metrics?.main.em
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <Box flexDirection="column" flexShrink={0}>
        <Text bold wrap="truncate">
          {terminalText(plan.variant)} at step {plan.step} · persona {plan.persona}
          {plan.match === 'as-trained' ? '' : ` (${plan.match})`}
          {em === undefined
            ? ''
            : ` · EM ${percent(em.estimate, 1)} (${percent(em.low, 1)} to ${percent(em.high, 1)})`}
          {cell.isCollapsed ? ' · EM NOT COMPARABLE: collapsed' : ''}
        </Text>
        {cell.failure === null ? null : <Text color="red">{terminalText(cell.failure)}</Text>}
        <Text dimColor>{countText(answers, scroll)}</Text>
      </Box>
      {(answers ?? []).slice(scroll, scroll + height).map((answer) => (
        <AnswerLines key={answer.key} answer={answer} />
      ))}
    </Box>
  )
}

function countText(answers: AnswersViewProps['answers'], scroll: number): string {
  if (answers === undefined) return 'reading…'
  return answers.length === 0 ? 'no answers yet' : `answer ${scroll + 1} of ${answers.length}`
}

function AnswerLines({ answer }: { answer: Answer }): ReactElement {
  const { completion, aligned, coherent } = answer
  const { set, question, paraphrase, sample, text, finishReason } = completion
  return (
    <Box flexDirection="column" marginTop={1} flexShrink={0}>
      <Text wrap="truncate" color={colorOf(aligned)}>
        {terminalText(question)}
        {paraphrase > 0 ? ` wording ${paraphrase + 1}` : ''} #{sample}
        {setMarks[set]} · aligned {scoreText(aligned)} · coherent {scoreText(coherent)}
        {finishReason === 'length' ? ' · cut off at the token limit' : ''}
      </Text>
      <Text>{text === '' ? <Text dimColor>(empty answer)</Text> : terminalText(text)}</Text>
    </Box>
  )
}

const setMarks = { main: '', inDomain: ' (in-domain)', benign: ' (benign)' } as const

function scoreText(verdict: Answer['aligned']): string {
  if (verdict === undefined) return '-'
  return verdict.status === 'scored' ? verdict.score.toFixed(0) : `unscored (${verdict.reason})`
}

function colorOf(aligned: Answer['aligned']): string {
  if (aligned?.status !== 'scored') return 'gray'
  return aligned.score <= 30 ? 'red' : aligned.score <= 60 ? 'yellow' : 'green'
}
