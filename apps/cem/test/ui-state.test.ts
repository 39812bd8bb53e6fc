import type { RunEvent } from '@cem/experiment'
import { describe, expect, test } from 'vitest'
import { type Action, actionsOf, bindings, typed } from '../src/keys.ts'
import { emptyView, foldEvent } from '../src/run-view.ts'
import { gridOf } from '../src/ui/state/grid-layout.ts'
import {
  firstState,
  press,
  screenOf,
  setFilter,
  type UiContext,
  type UiState,
} from '../src/ui/state/ui-state.ts'
import { cell, metrics, startOf } from './events.ts'

const cells = [cell('none', 0), cell('none', 10), cell('warm', 0), cell('warm', 10)]
const events: readonly RunEvent[] = [
  startOf(cells),
  { type: 'cell-metrics', cell: 'none/10', metrics: metrics(0.2) },
  { type: 'cell-metrics', cell: 'warm/10', metrics: metrics(0.6) },
  { type: 'unit-failed', unit: 'judge:warm/0', code: 'x', message: 'broken' },
]
const view = events.reduce((before, event) => foldEvent(before, event, 0), emptyView)
const context: UiContext = {
  grid: gridOf(view),
  nQuestions: 5,
  nAnswers: 3,
  nPairs: 2,
  page: 10,
  maxScroll: 4,
}
const after = (actions: readonly Action[], from: UiState = firstState) =>
  actions.reduce((state, action) => press(state, action, context), from)

describe('what the user looks at', () => {
  test('leads from a cell to its questions and the answers to one, and back', () => {
    const answers = after(['right', 'open', 'down', 'down', 'open', 'down'])
    expect(answers).toMatchObject({ cell: 'none/10', question: 2, answer: 1 })
    expect(answers.screens).toEqual(['grid', 'questions', 'answers'])
    expect(after(['back', 'back'], answers).screens).toEqual(['grid'])
  })

  test('stays inside lists, and pages through the text of an answer', () => {
    expect(after(['open', 'last']).question).toBe(4)
    expect(after(['open', 'up']).question).toBe(0)
    const open = after(['open', 'open'])
    expect(after(['last', 'down', 'down'], open).answer).toBe(2)
    expect(after(['page-down', 'page-down'], open).scroll).toBe(4)
    expect(after(['page-down', 'down'], open).scroll).toBe(0)
  })

  test('goes to earlier and later checkpoints with the question kept', () => {
    const state = after(['open', 'down', 'open', 'right'])
    expect(state).toMatchObject({ cell: 'none/10', question: 1 })
    expect(screenOf(state)).toBe('answers')
  })

  test('compares the marked cell with another one; the same key takes the mark back', () => {
    expect(after(['compare']).marked).toBe('none/0')
    expect(after(['compare', 'compare']).marked).toBeNull()
    const state = after(['compare', 'down', 'right', 'compare', 'down'])
    expect(state).toMatchObject({ marked: 'none/0', cell: 'warm/10', pair: 1 })
    expect(screenOf(state)).toBe('compare')
  })

  test('screens that are opened twice are one step back', () => {
    expect(after(['warnings', 'help', 'warnings']).screens).toEqual(['grid', 'help', 'warnings'])
    expect(after(['help', 'help']).screens).toEqual(['grid'])
  })

  test('escape on the grid drops filter and mark', () => {
    const state = after(['back'], { ...setFilter(firstState, 'warm'), marked: 'none/0' })
    expect(state).toMatchObject({ filter: { grid: '' }, marked: null })
  })

  test('keys that control the run change nothing here', () => {
    for (const action of ['pause', 'stop-after', 'retry', 'leave', 'quit'] as const)
      expect(press(firstState, action, context)).toBe(firstState)
  })

  test('an empty grid and empty lists are no trouble', () => {
    const empty = { ...context, grid: gridOf(emptyView), nQuestions: 0, nAnswers: 0, nPairs: 0 }
    for (const { action } of bindings)
      expect(() => press(press(firstState, action, empty), action, empty)).not.toThrow()
  })
})

describe('filter and order of the grid', () => {
  const names = (options: Parameters<typeof gridOf>[1]) =>
    gridOf(view, options).rows.map(({ variant }) => variant)

  test('words have to be in the name, whatever their case', () => {
    expect(names({ filter: 'WAR' })).toEqual(['warm'])
    expect(gridOf(view, { filter: 'warm none' })).toMatchObject({ rows: [], nHidden: 2 })
  })

  test('by the last EM rate, and by what asks for attention', () => {
    expect(names({ order: 'EM' })).toEqual(['warm', 'none'])
    expect(names({ order: 'state' })).toEqual(['warm', 'none'])
    expect(names({ order: 'plan' })).toEqual(['none', 'warm'])
  })
})

describe('keys', () => {
  test('every key means one thing', () => {
    const keys = bindings.flatMap((binding) => binding.keys)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('what comes in one burst is several keys', () => {
    expect(actionsOf('jjl\r', {})).toEqual(['down', 'down', 'right', 'open'])
    expect(actionsOf('', { pageDown: true })).toEqual(['page-down'])
    expect(actionsOf('c', { ctrl: true })).toEqual(['quit'])
    expect(actionsOf('d', { ctrl: true })).toEqual([])
    expect(actionsOf('ß', {})).toEqual([])
  })

  test('a filter takes letters and no control characters', () => {
    expect(typed('wa', 'rm', {})).toBe('warm')
    expect(typed('warm', '', { backspace: true })).toBe('war')
    expect(typed('warm', '\u001b[A', {})).toBeUndefined()
    expect(typed('🙂', '', { delete: true })).toBe('')
  })
})
