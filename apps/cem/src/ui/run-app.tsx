import { Box, useInput, useWindowSize } from 'ink'
import { type ReactElement, useState } from 'react'
import { type Action, actionOf } from '../keys.ts'
import { AnswersView } from './answers-view.tsx'
import { CurvePanel } from './curve-panel.tsx'
import { Footer } from './footer.tsx'
import { Grid } from './grid.tsx'
import { gridOf, moveSelection, type Position } from './grid-layout.ts'
import { Header } from './header.tsx'
import { HelpView } from './help-view.tsx'
import { NowPanel } from './now-panel.tsx'
import { useAnswers } from './use-answers.ts'
import { useClock } from './use-clock.ts'
import { useView } from './use-view.ts'
import type { ViewStore } from './view-store.ts'
import { WarningsPanel, WarningsView } from './warnings.tsx'

export interface RunAppProps {
  readonly store: ViewStore
  readonly onQuit: () => void
  /** Undefined: the run is another process's and cannot be paused from here. */
  readonly onPause?: (paused: boolean) => void
}

type Screen = 'grid' | 'answers' | 'warnings' | 'help'

/** The whole screen: the grid of a run, or the answers of one of its cells. */
export function RunApp({ store, onQuit, onPause }: RunAppProps): ReactElement {
  const view = useView(store)
  const now = useClock(1000)
  const { columns, rows } = useWindowSize()
  const [screen, setScreen] = useState<Screen>('grid')
  const [selected, setSelected] = useState<Position>({ row: 0, column: 0 })
  const [scroll, setScroll] = useState(0)
  const [isPaused, setPaused] = useState(false)
  const [isStopping, setStopping] = useState(false)
  const grid = gridOf(view)
  const cell = grid.rows[selected.row]?.cells[selected.column]
  const answers = useAnswers(view, cell?.cell.id, screen === 'answers')
  const height = Math.max(12, rows)
  const body = height - 3

  const act: Readonly<Partial<Record<Action, () => void>>> = {
    quit: () => {
      setStopping(true)
      onQuit()
    },
    pause: () => {
      if (onPause === undefined) return
      onPause(!isPaused)
      setPaused(!isPaused)
    },
    help: () => setScreen(screen === 'help' ? 'grid' : 'help'),
    warnings: () => setScreen(screen === 'warnings' ? 'grid' : 'warnings'),
    back: () => setScreen('grid'),
    open: () => {
      setScroll(0)
      setScreen('answers')
    },
  }
  useInput((input, key) => {
    const action = actionOf(input, { ...key })
    if (action === undefined) return
    act[action]?.()
    if (screen === 'grid') setSelected((at) => moveSelection(grid, at, action))
    else setScroll((at) => scrolled(at, action, body))
  })

  return (
    <Box flexDirection="column" width={columns} height={height}>
      <Header view={view} now={now} isPaused={isPaused} isStopping={isStopping} width={columns} />
      <Box flexDirection="column" height={body} overflow="hidden">
        {screen === 'grid' ? (
          <GridScreen
            view={view}
            now={now}
            grid={grid}
            selected={selected}
            width={columns}
            height={body}
          />
        ) : screen === 'answers' && cell !== undefined ? (
          <AnswersView
            cell={cell}
            answers={answers}
            scroll={clampScroll(scroll, answers?.length ?? 0)}
            width={columns}
            height={body}
          />
        ) : screen === 'warnings' ? (
          <WarningsView view={view} scroll={scroll} width={columns} height={body} />
        ) : (
          <HelpView />
        )}
      </Box>
      <Footer screen={screen} canPause={onPause !== undefined} width={columns} />
    </Box>
  )
}

function scrolled(at: number, action: Action, page: number): number {
  const by = { up: -1, down: 1, 'page-up': 4 - page, 'page-down': page - 4 }[action as 'up'] ?? 0
  return Math.max(0, at + by)
}

function clampScroll(scroll: number, length: number): number {
  return Math.max(0, Math.min(scroll, length - 1))
}

interface GridScreenProps {
  readonly view: ReturnType<typeof useView>
  readonly now: number
  readonly grid: ReturnType<typeof gridOf>
  readonly selected: Position
  readonly width: number
  readonly height: number
}

/** What is shown of the grid's screen depends on the room: the grid and what runs now always, then warnings, then the curve. */
function GridScreen({ view, now, grid, selected, width, height }: GridScreenProps): ReactElement {
  const gridHeight = Math.min(grid.rows.length + 2, Math.max(4, Math.floor(height / 2)))
  const nowHeight = 5
  const rest = height - gridHeight - nowHeight
  const warningsHeight =
    view.warnings.length === 0
      ? 0
      : Math.min(view.warnings.length + 1, Math.max(2, Math.floor(rest / 3)))
  const curveHeight = rest - warningsHeight
  return (
    <>
      <Grid grid={grid} selected={selected} width={width} height={gridHeight} />
      <NowPanel view={view} now={now} width={width} />
      {curveHeight >= 5 ? <CurvePanel view={view} width={width} height={curveHeight} /> : null}
      {warningsHeight > 0 && rest > 0 ? (
        <WarningsPanel view={view} width={width} height={warningsHeight} />
      ) : null}
    </>
  )
}
