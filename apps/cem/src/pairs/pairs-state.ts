import type { Action } from '../keys.ts'

/** What a person looks at. */
export interface PairsState {
  /** Index of the group of pairs. */
  readonly group: number
  /** Index of the pair in what is found of the group. */
  readonly at: number
  /** Lines that the pair is scrolled by. */
  readonly scroll: number
  readonly search: string
  /** Whether keys go into the search. */
  readonly isTyping: boolean
  readonly isHelp: boolean
}

export const firstState: PairsState = {
  group: 0,
  at: 0,
  scroll: 0,
  search: '',
  isTyping: false,
  isHelp: false,
}

/** What is on the screen that a key was pressed on. */
export interface PairsContext {
  readonly nGroups: number
  readonly nPairs: number
  /** Lines of a page. */
  readonly page: number
  /** The most that the text can be scrolled by. */
  readonly maxScroll: number
}

/** What a key press makes of what a person looks at. Pure. */
export function pressInPairs(
  state: PairsState,
  action: Action,
  { nGroups, nPairs, page, maxScroll }: PairsContext,
): PairsState {
  switch (action) {
    case 'help':
      return { ...state, isHelp: !state.isHelp, scroll: 0 }
    case 'back':
      return state.isHelp
        ? { ...state, isHelp: false, scroll: 0 }
        : { ...state, search: '', at: 0, scroll: 0 }
    case 'filter':
      return { ...state, isTyping: true, isHelp: false }
    case 'left':
    case 'right':
      return toGroup(state, within(state.group + (action === 'right' ? 1 : -1), nGroups))
    case 'page-up':
    case 'page-down': {
      const by = action === 'page-down' ? page : -page
      return { ...state, scroll: within(Math.min(state.scroll, maxScroll) + by, maxScroll + 1) }
    }
    case 'up':
    case 'down':
    case 'first':
    case 'last': {
      const to = { up: state.at - 1, down: state.at + 1, first: 0, last: nPairs - 1 }[action]
      return { ...state, at: within(to, nPairs), scroll: 0, isHelp: false }
    }
    default:
      return state
  }
}

/** The search as it is typed. */
export function setSearch(state: PairsState, search: string): PairsState {
  return { ...state, search, at: 0, scroll: 0 }
}

function toGroup(state: PairsState, group: number): PairsState {
  return group === state.group ? state : { ...state, group, at: 0, scroll: 0, isHelp: false }
}

function within(index: number, size: number): number {
  return Math.max(0, Math.min(index, size - 1))
}
