import { Box, useInput, useWindowSize } from 'ink'
import { type ReactElement, useMemo } from 'react'
import { actionsOf, typed } from '../keys.ts'
import { AnswersView, answerWidths, detailHeight, detailLines } from './answers-view.tsx'
import { CompareView, compareFrame, pairLines } from './compare-view.tsx'
import { type Answer, type CellAnswers, type Thresholds, usualThresholds } from './data/answers.ts'
import { Footer } from './footer.tsx'
import { Header } from './header.tsx'
import { helpText } from './help-view.tsx'
import { LinesView, maxScrollOf } from './lines-view.tsx'
import { useMachine } from './machine-line.tsx'
import { Overview } from './overview.tsx'
import { QuestionsView } from './questions-view.tsx'
import { useResults } from './results-view.ts'
import type { RunControls } from './run-controls.ts'
import { cellAt, gridOf, gridOrders, positionOf } from './state/grid-layout.ts'
import { filterOf, firstState, press, screenOf, setFilter, type UiState } from './state/ui-state.ts'
import type { Line } from './text-lines.ts'
import { makeTheme, type Theme, ThemeProvider } from './theme.ts'
import { useBurstState } from './use-burst-state.ts'
import { useClock } from './use-clock.ts'
import { useExplorer, useProjections, useVerdicts } from './use-explorer.ts'
import { useStatus } from './use-status.ts'
import { useView } from './use-view.ts'
import type { ViewStore } from './view-store.ts'
import { warningText } from './warnings.tsx'

export interface RunAppProps {
  readonly store: ViewStore
  readonly controls: RunControls
  /** @default dark, with the sixteen named colours */
  readonly theme?: Theme
  /** Whether the run is this process's. @default true */
  readonly isOwn?: boolean
  /** `judge.maxCostUsd`; null: none. @default not known */
  readonly limitUsd?: number | null | undefined
  /** @default the reference protocol's */
  readonly thresholds?: Thresholds
}

const plainTheme = makeTheme('dark', 4)

/** The whole screen: a run, its cells, their questions, the answers. */
export function RunApp({
  store,
  controls,
  theme = plainTheme,
  isOwn = true,
  limitUsd,
  thresholds = usualThresholds,
}: RunAppProps): ReactElement {
  const view = useView(store)
  const now = useClock(1000, view.outcome === null)
  const { columns, rows } = useWindowSize()
  const width = Math.max(40, columns)
  const height = Math.max(12, rows)
  const body = height - 2
  const { shown: state, latest, set: change } = useBurstState(firstState)
  const { status, control, notice } = useStatus(controls, view)
  const screen = screenOf(state)
  const machine = useMachine(view.storeFolder)

  const gridFor = (of: UiState) =>
    gridOf(view, { filter: of.filter.grid, order: gridOrders[of.order.grid] ?? 'plan' })
  const grid = useMemo(
    () =>
      gridOf(view, { filter: state.filter.grid, order: gridOrders[state.order.grid] ?? 'plan' }),
    [view, state.filter.grid, state.order.grid],
  )
  const selected = positionOf(grid, state.cell)
  const cell = cellAt(grid, selected)
  const explorer = useExplorer({ view, state, cell, thresholds, now })
  const { questions, question, answers, pairs } = explorer
  const answer = answers[Math.min(state.answer, answers.length - 1)]
  const verdicts = useVerdicts(view.storeFolder, screen === 'answers' ? answer : undefined)
  const projections = useProjections(view, cell, answer, state.isProjected && screen === 'answers')
  const wordings = explorer.loaded.value?.wordings
  const detail = useMemo(
    () =>
      answer === undefined
        ? []
        : detailLines(
            {
              answer,
              wording: wordingOf(wordings, answer),
              verdicts,
              projections,
            },
            answerWidths(width).detail,
            theme,
          ),
    [answer, wordings, verdicts, projections, width, theme],
  )
  const pair = pairs[Math.min(state.pair, pairs.length - 1)]
  const sides = useMemo(() => pairLines(pair, width), [pair, width])
  const results = useResults(view, screen === 'results')
  const lines = useMemo((): readonly Line[] => {
    if (screen === 'warnings') return warningText(view, width, theme)
    if (screen === 'help') return helpText(width, theme, controls)
    return screen === 'results' ? results(width) : []
  }, [screen, view, width, theme, controls, results])

  const maxScroll =
    screen === 'answers'
      ? maxScrollOf(detail.length, detailHeight(cell, body))
      : screen === 'compare'
        ? maxScrollOf(Math.max(sides[0].length, sides[1].length), body - compareFrame)
        : maxScrollOf(lines.length, body)

  useInput((input, key) => {
    const before = latest()
    const keys = { ...key }
    if (before.isTyping && !(key.ctrl && input === 'c')) {
      if (key.return) change({ ...before, isTyping: false })
      else if (key.escape) change({ ...setFilter(before, ''), isTyping: false })
      else {
        const text = typed(filterOf(before), input, keys)
        if (text !== undefined) change(setFilter(before, text))
      }
      return
    }
    for (const action of actionsOf(input, keys)) {
      control(action)
      const context = {
        grid: gridFor(latest()),
        nQuestions: questions.length,
        nAnswers: answers.length,
        nPairs: pairs.length,
        page: Math.max(1, body - 5),
        maxScroll,
      }
      change(press(latest(), action, context))
    }
  })

  const marked = state.marked === null ? '' : `marked ${state.marked}: c on another cell compares`
  const order = state.order.grid === 0 ? '' : `by ${gridOrders[state.order.grid]}`
  const filter = state.filter.grid === '' ? '' : `/${state.filter.grid} (${grid.nHidden} hidden)`
  return (
    <ThemeProvider value={theme}>
      <Box flexDirection="column" width={width} height={height}>
        <Header view={view} now={now} status={status} width={width} />
        <Box flexDirection="column" height={body} overflow="hidden">
          {screen === 'grid' ? (
            <Overview
              view={view}
              now={now}
              grid={grid}
              selected={selected}
              marked={state.marked}
              note={[marked, filter, order].filter((text) => text !== '').join('  ')}
              machine={machine}
              isOwn={isOwn}
              limitUsd={limitUsd}
              width={width}
              height={body}
            />
          ) : screen === 'questions' && cell !== undefined ? (
            <QuestionsView
              cell={cell}
              loaded={explorer.loaded}
              rows={questions}
              selected={Math.min(state.question, Math.max(0, questions.length - 1))}
              order={state.order.questions}
              width={width}
              height={body}
            />
          ) : screen === 'answers' && cell !== undefined ? (
            <AnswersView
              cell={cell}
              loaded={explorer.loaded}
              question={question}
              answers={answers}
              selected={Math.min(state.answer, Math.max(0, answers.length - 1))}
              order={state.order.answers}
              filter={state.filter.answers}
              detail={detail}
              scroll={state.scroll}
              width={width}
              height={body}
            />
          ) : screen === 'compare' && cell !== undefined && explorer.marked !== undefined ? (
            <CompareView
              left={explorer.marked}
              right={cell}
              pairs={pairs}
              selected={Math.min(state.pair, Math.max(0, pairs.length - 1))}
              order={state.order.pairs}
              wording={wordingOf(wordings, pair?.left)}
              empty={explorer.isPairing ? 'reading…' : 'the two cells have no draw in common'}
              columns={sides}
              scroll={state.scroll}
              width={width}
              height={body}
            />
          ) : (
            <LinesView lines={lines} scroll={state.scroll} width={width} height={body} />
          )}
        </Box>
        <Footer
          screen={screen}
          controls={controls}
          width={width}
          typed={state.isTyping ? filterOf(state) : undefined}
          notice={notice}
        />
      </Box>
    </ThemeProvider>
  )
}

function wordingOf(
  wordings: CellAnswers['wordings'] | undefined,
  answer: Answer | undefined,
): string {
  if (answer === undefined) return ''
  const { question, paraphrase } = answer.completion
  return wordings?.get(question)?.[paraphrase] ?? ''
}
