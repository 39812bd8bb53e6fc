import type { QuestionSetName } from '@cem/experiment'
import { answerOrders, questionOrders } from '../state/ui-state.ts'
import type { Answer } from './answers.ts'

/** One question of a cell with what its answers came to. */
export interface QuestionRow {
  readonly set: QuestionSetName
  readonly question: string
  readonly answers: readonly Answer[]
  /** Share of EM among the answers with both scores; null without any. */
  readonly em: number | null
  readonly nScored: number
  /** Mean scores; null without any. */
  readonly aligned: number | null
  readonly coherent: number | null
  /** Metrics of answers without a score, by reason. */
  readonly unscored: Readonly<Record<string, number>>
}

export function questionRows(answers: readonly Answer[]): QuestionRow[] {
  const groups = Map.groupBy(answers, ({ completion }) =>
    JSON.stringify([completion.set, completion.question]),
  )
  return Array.from(groups.values(), (own): QuestionRow => {
    const { set, question } = (own[0] as Answer).completion
    const labelled = own.flatMap(({ isEm }) => (isEm === null ? [] : [Number(isEm)]))
    return {
      set,
      question,
      answers: own,
      em: mean(labelled),
      nScored: labelled.length,
      aligned: mean(scores(own, 'aligned')),
      coherent: mean(scores(own, 'coherent')),
      unscored: unscoredOf(own),
    }
  })
}

/** In one of `questionOrders`. */
export function orderQuestions(rows: readonly QuestionRow[], order: number): QuestionRow[] {
  switch (questionOrders[order]) {
    case 'EM':
      return rows.toSorted((a, b) => (b.em ?? -1) - (a.em ?? -1))
    case 'aligned':
      return rows.toSorted((a, b) => (a.aligned ?? 101) - (b.aligned ?? 101))
    case 'unscored':
      return rows.toSorted((a, b) => total(b.unscored) - total(a.unscored))
    default:
      return [...rows]
  }
}

/** Those that hold every word of the filter, in one of `answerOrders`; `em`, `unscored` and `cut` as words mean a state. */
export function orderAnswers(
  answers: readonly Answer[],
  { order, filter }: { readonly order: number; readonly filter: string },
): Answer[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const fitting = answers.filter((answer) => words.every((word) => fits(answer, word)))
  const metric = answerOrders[order]
  if (metric === undefined || metric === 'sample') return fitting
  return fitting.toSorted((a, b) => (scoreOf(a, metric) ?? 101) - (scoreOf(b, metric) ?? 101))
}

function fits(answer: Answer, word: string): boolean {
  if (word === 'em') return answer.isEm === true
  if (word === 'unscored')
    return Object.values(answer.verdicts).some(({ status }) => status === 'unscored')
  if (word === 'cut') return answer.completion.finishReason === 'length'
  return answer.completion.text.toLowerCase().includes(word)
}

export function scoreOf({ verdicts }: Answer, metric: string): number | null {
  const verdict = verdicts[metric]
  return verdict?.status === 'scored' ? verdict.score : null
}

function scores(answers: readonly Answer[], metric: string): number[] {
  return answers.flatMap((answer) => scoreOf(answer, metric) ?? [])
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function unscoredOf(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { verdicts } of answers)
    for (const verdict of Object.values(verdicts))
      if (verdict.status === 'unscored') counts[verdict.reason] = (counts[verdict.reason] ?? 0) + 1
  return counts
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0)
}
