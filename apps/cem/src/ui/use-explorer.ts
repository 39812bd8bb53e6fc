import { messageOf } from '@cem/core'
import { useEffect, useEffectEvent, useMemo, useState } from 'react'
import type { CellView, RunView } from '../run-view.ts'
import { type Answer, type CellAnswers, readAnswers, type Thresholds } from './data/answers.ts'
import { type AnswerPair, orderPairs, pairAnswers } from './data/pairs.ts'
import {
  orderAnswers,
  orderQuestions,
  type QuestionRow,
  questionRows,
} from './data/question-rows.ts'
import { type TokenProjections, TokenProjector } from './data/token-projections.ts'
import { type Loaded, useLoaded } from './data/use-loaded.ts'
import { readVerdicts } from './data/verdicts.ts'
import { screenOf, type UiState } from './state/ui-state.ts'

/** What the screens of a cell show, read from the run's folder as far as it is there. */
export interface Explorer {
  readonly loaded: Loaded<CellAnswers>
  readonly questions: readonly QuestionRow[]
  readonly question: QuestionRow | undefined
  readonly answers: readonly Answer[]
  readonly pairs: readonly AnswerPair[]
  readonly isPairing: boolean
  readonly marked: CellView | undefined
}

export interface ExplorerOptions {
  readonly view: RunView
  readonly state: UiState
  readonly cell: CellView | undefined
  readonly thresholds: Thresholds
  readonly now: number
}

/** While answers are drawn, they are read anew this often. */
const refreshInMs = 10_000

export function useExplorer({ view, state, cell, thresholds, now }: ExplorerOptions): Explorer {
  const screen = screenOf(state)
  const isOpen = state.screens.some((one) => one === 'questions' || one === 'answers')
  const isComparing = screen === 'compare'
  const marked = state.marked === null ? undefined : view.cells.get(state.marked)
  const loaded = useCell(view, isOpen || isComparing ? cell : undefined, thresholds, now)
  const other = useCell(view, isComparing ? marked : undefined, thresholds, now)
  const answers = loaded.value?.answers
  const questions = useMemo(
    () => orderQuestions(questionRows(answers ?? []), state.order.questions),
    [answers, state.order.questions],
  )
  const question = questions[Math.min(state.question, questions.length - 1)]
  const shown = useMemo(
    () =>
      orderAnswers(question?.answers ?? [], {
        order: state.order.answers,
        filter: state.filter.answers,
      }),
    [question, state.order.answers, state.filter.answers],
  )
  const pairs = useMemo(
    () => orderPairs(pairAnswers(other.value?.answers ?? [], answers ?? []), state.order.pairs),
    [other.value, answers, state.order.pairs],
  )
  const isPairing = loaded.value === undefined || other.value === undefined
  return { loaded, questions, question, answers: shown, pairs, isPairing, marked }
}

function useCell(
  { storeFolder }: RunView,
  cell: CellView | undefined,
  thresholds: Thresholds,
  now: number,
): Loaded<CellAnswers> {
  const id = cell === undefined || storeFolder === '' ? null : `${storeFolder} ${cell.cell.id}`
  const phase =
    cell?.generate.state === 'running' ? `${Math.floor(now / refreshInMs)}` : cell?.generate.state
  const name = id === null ? null : `${id} ${phase} ${cell?.judge.state}`
  return useLoaded(
    name,
    () =>
      cell === undefined
        ? Promise.reject(new Error('no cell is chosen'))
        : readAnswers(storeFolder, cell.cell, thresholds),
    id,
  )
}

/** The whole verdicts on the answer that is looked at. */
export function useVerdicts(storeFolder: string, answer: Answer | undefined) {
  const keys = Object.values(answer?.verdicts ?? {}).map(({ key }) => key)
  const name = keys.length === 0 || storeFolder === '' ? null : keys.join()
  return useLoaded(name, (signal) => readVerdicts(storeFolder, keys, signal)).value
}

/** Computed projections that are kept: going back to an answer costs nothing. */
const keptProjections = 64

/** The projections of an answer's tokens: undefined where they are not asked for, words where they cannot be had or are computed. */
export function useProjections(
  { storeFolder, cells, outcome }: RunView,
  cell: CellView | undefined,
  answer: Answer | undefined,
  isWanted: boolean,
): TokenProjections | string | undefined {
  const [known, setKnown] = useState<ReadonlyMap<string, TokenProjections | string>>(new Map())
  const projector = useMemo(() => new TokenProjector(storeFolder), [storeFolder])
  useEffect(() => () => void projector[Symbol.asyncDispose](), [projector])
  const isBusy = outcome === null
  // With every cell that gets its answers there may be a direction, or a better one; the end of the run settles it.
  const age = isBusy
    ? [...cells.values()].filter(({ generate }) => generate.state === 'done').length
    : 'ended'
  const key =
    cell === undefined || answer === undefined ? '' : `${age} ${cell.cell.id} ${answer.key}`
  const isMissing = isWanted && key !== '' && !known.has(key)
  const project = useEffectEvent(() => {
    if (cell === undefined || answer === undefined) return
    const keep = (value: TokenProjections | string) =>
      setKnown((before) => new Map([...before, [key, value] as const].slice(-keptProjections)))
    projector
      .project(cell.cell, answer.completion, { isBusy })
      .then(keep, (error: unknown) => keep(`No projections: ${messageOf(error)}`))
  })
  useEffect(() => {
    if (isMissing && key !== '') project()
  }, [isMissing, key])
  if (!isWanted || key === '') return undefined
  return known.get(key) ?? 'The model of this cell is loaded, and the answer goes through it…'
}
