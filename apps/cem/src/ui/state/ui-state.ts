import type { Action } from '../../keys.ts'
import { cellAt, type GridView, gridOrders, moveSelection, positionOf } from './grid-layout.ts'

export type Screen = 'grid' | 'questions' | 'answers' | 'compare' | 'warnings' | 'results' | 'help'

/** What the user looks at: folded from key presses, as the run's view is from events. */
export interface UiState {
  /** The one that is shown last, and those that `back` leads to. */
  readonly screens: readonly Screen[]
  /** Id of the selected cell; null: the first. */
  readonly cell: string | null
  /** Id of the cell that another one is compared with. */
  readonly marked: string | null
  /** Rows that are selected in lists. */
  readonly question: number
  readonly answer: number
  readonly pair: number
  /** Lines that a text is scrolled by. */
  readonly scroll: number
  readonly filter: Readonly<Record<'grid' | 'answers', string>>
  /** Whether keys go into the filter. */
  readonly isTyping: boolean
  readonly order: Readonly<Record<'grid' | 'questions' | 'answers' | 'pairs', number>>
  /** Whether tokens are shown with their projections. */
  readonly isProjected: boolean
}

export const firstState: UiState = {
  screens: ['grid'],
  cell: null,
  marked: null,
  question: 0,
  answer: 0,
  pair: 0,
  scroll: 0,
  filter: { grid: '', answers: '' },
  isTyping: false,
  order: { grid: 0, questions: 0, answers: 0, pairs: 0 },
  isProjected: false,
}

export const questionOrders = ['plan', 'EM', 'aligned', 'unscored'] as const
export const answerOrders = ['sample', 'aligned', 'coherent'] as const
export const pairOrders = ['plan', 'difference'] as const

/** What is on the screen that a key was pressed on. */
export interface UiContext {
  readonly grid: GridView
  readonly nQuestions: number
  readonly nAnswers: number
  readonly nPairs: number
  /** Lines of a page. */
  readonly page: number
  /** The most that the text can be scrolled by. */
  readonly maxScroll: number
}

export function screenOf({ screens }: UiState): Screen {
  return screens.at(-1) ?? 'grid'
}

/** What a key press makes of what the user looks at. Pure; what it makes of the run is not here. */
export function press(state: UiState, action: Action, context: UiContext): UiState {
  const screen = screenOf(state)
  switch (action) {
    case 'help':
    case 'warnings':
    case 'results':
      return toggled(state, action)
    case 'back':
      return back(state)
    case 'open':
      return open(state, screen)
    case 'compare':
      return compare(state, context)
    case 'filter':
      return screen === 'grid' || screen === 'answers' ? { ...state, isTyping: true } : state
    case 'sort':
      return sorted(state, screen)
    case 'project':
      return screen === 'answers' ? { ...state, isProjected: !state.isProjected } : state
    case 'left':
    case 'right':
      return screen === 'warnings' || screen === 'results' || screen === 'help'
        ? state
        : moved(state, action, context)
    case 'up':
    case 'down':
    case 'page-up':
    case 'page-down':
    case 'first':
    case 'last':
      return walked(state, screen, action, context)
    case 'pause':
    case 'stop-after':
    case 'retry':
    case 'leave':
    case 'quit':
      return state
  }
}

/** The text of the filter that is typed now. */
export function setFilter(state: UiState, text: string): UiState {
  const of = screenOf(state) === 'answers' ? 'answers' : 'grid'
  return { ...state, filter: { ...state.filter, [of]: text }, answer: 0, scroll: 0 }
}

export function filterOf(state: UiState): string {
  return state.filter[screenOf(state) === 'answers' ? 'answers' : 'grid']
}

function show(state: UiState, screen: Screen): UiState {
  return { ...state, screens: [...state.screens, screen], scroll: 0 }
}

function toggled(state: UiState, screen: Screen): UiState {
  return screenOf(state) === screen ? back(state) : show(without(state, screen), screen)
}

/** A screen is in the way back once only. */
function without(state: UiState, screen: Screen): UiState {
  return { ...state, screens: state.screens.filter((one) => one !== screen) }
}

function back(state: UiState): UiState {
  if (state.screens.length > 1) return { ...state, screens: state.screens.slice(0, -1), scroll: 0 }
  return { ...state, filter: { ...state.filter, grid: '' }, marked: null }
}

function open(state: UiState, screen: Screen): UiState {
  if (screen === 'grid') return { ...show(state, 'questions'), question: 0 }
  if (screen === 'questions')
    return { ...show(state, 'answers'), answer: 0, filter: { ...state.filter, answers: '' } }
  return state
}

function compare(state: UiState, { grid }: UiContext): UiState {
  if (screenOf(state) === 'compare') return back(state)
  const here = cellAt(grid, positionOf(grid, state.cell))?.cell.id ?? null
  if (here === null) return state
  if (state.marked === null) return { ...state, marked: here }
  if (state.marked === here) return { ...state, marked: null }
  return { ...show(state, 'compare'), pair: 0 }
}

function sorted(state: UiState, screen: Screen): UiState {
  const next = (of: keyof UiState['order'], orders: readonly unknown[]): UiState => ({
    ...state,
    order: { ...state.order, [of]: (state.order[of] + 1) % orders.length },
  })
  if (screen === 'grid') return next('grid', gridOrders)
  if (screen === 'questions') return { ...next('questions', questionOrders), question: 0 }
  if (screen === 'compare') return { ...next('pairs', pairOrders), pair: 0, scroll: 0 }
  return screen === 'answers' ? { ...next('answers', answerOrders), answer: 0, scroll: 0 } : state
}

function moved(state: UiState, action: 'left' | 'right', { grid }: UiContext): UiState {
  const at = moveSelection(grid, positionOf(grid, state.cell), action)
  return { ...state, cell: cellAt(grid, at)?.cell.id ?? null, scroll: 0 }
}

type Walk = 'up' | 'down' | 'page-up' | 'page-down' | 'first' | 'last'

function walked(state: UiState, screen: Screen, action: Walk, context: UiContext): UiState {
  const { page } = context
  switch (screen) {
    case 'grid':
      return walkedGrid(state, action, context)
    case 'questions':
      return { ...state, question: step(state.question, action, context.nQuestions, page) }
    case 'answers':
      // Pages go through the text of one answer, lines through the answers.
      return isPage(action)
        ? { ...state, scroll: step(state.scroll, action, context.maxScroll + 1, page) }
        : { ...state, answer: step(state.answer, action, context.nAnswers, page), scroll: 0 }
    case 'compare':
      return isPage(action)
        ? { ...state, scroll: step(state.scroll, action, context.maxScroll + 1, page) }
        : { ...state, pair: step(state.pair, action, context.nPairs, page), scroll: 0 }
    case 'warnings':
    case 'results':
    case 'help':
      return { ...state, scroll: step(state.scroll, action, context.maxScroll + 1, page) }
  }
}

function isPage(action: Walk): boolean {
  return action === 'page-up' || action === 'page-down'
}

function walkedGrid(state: UiState, action: Walk, { grid, page }: UiContext): UiState {
  let at = positionOf(grid, state.cell)
  const row = step(at.row, action, grid.rows.length, page)
  const direction = row < at.row ? 'up' : 'down'
  while (at.row !== row) {
    const next = moveSelection(grid, at, direction)
    if (next.row === at.row) break
    at = next
  }
  return { ...state, cell: cellAt(grid, at)?.cell.id ?? null }
}

function step(at: number, action: Walk, size: number, page: number): number {
  const to = {
    up: at - 1,
    down: at + 1,
    'page-up': at - page,
    'page-down': at + page,
    first: 0,
    last: size - 1,
  }[action]
  return Math.max(0, Math.min(to, size - 1))
}
