import type { RunEvent } from '@cem/experiment'
import { render } from 'ink-testing-library'
import { describe, expect, test, vi } from 'vitest'
import { emptyView, foldEvent } from '../src/run-view.ts'
import { RunApp } from '../src/ui/run-app.tsx'
import type { RunControls } from '../src/ui/run-controls.ts'
import { cellText } from '../src/ui/state/cell-state.ts'
import { gridOf, moveSelection } from '../src/ui/state/grid-layout.ts'
import { createViewStore } from '../src/ui/view-store.ts'
import { cell, metrics, startOf } from './events.ts'

const tick = () => new Promise((resolve) => setTimeout(resolve, 60))

const cells = [
  cell('base', 0, { id: 'base', kind: 'base' }),
  cell('baseline', 0),
  cell('baseline', 40),
  cell('baseline', 160),
  cell('hostile\u001b[31m\nname', 40),
]

const events: readonly RunEvent[] = [
  startOf(cells),
  { type: 'cell-metrics', cell: 'baseline/0', metrics: metrics(0.01) },
  { type: 'cell-metrics', cell: 'baseline/40', metrics: metrics(0.45) },
  { type: 'unit-start', unit: 'generate:baseline/160', total: 200, done: 0 },
  {
    type: 'unit-progress',
    unit: 'generate:baseline/160',
    total: 200,
    done: 50,
    tokensPerSecond: 1234,
    judge: null,
  },
  { type: 'unit-start', unit: 'judge:base', total: 100, done: 0 },
  {
    type: 'unit-progress',
    unit: 'judge:base',
    total: 100,
    done: 30,
    tokensPerSecond: null,
    judge: { calls: 77, cached: 5, failures: 2, inFlight: 8, costUsd: 1.2 },
  },
  { type: 'warning', warning: { code: 'one-seed', message: 'One training seed only.', cells: [] } },
]

function show(over: Partial<RunControls> = {}) {
  const store = createViewStore(
    events.reduce((view, event) => foldEvent(view, event, 0), emptyView),
    0,
  )
  const controls = { quit: vi.fn(), pause: vi.fn(), ...over }
  const app = render(<RunApp store={store} limitUsd={null} controls={controls} />)
  const frame = () => app.lastFrame() ?? ''
  return { ...app, store, frame }
}

test('thousands of events are drawn at the pace of the screen, and the last one is', async () => {
  const store = createViewStore(emptyView, 50)
  let redraws = 0
  store.subscribe(() => {
    redraws++
  })
  for (let i = 0; i < 5000; i++) store.set({ ...emptyView, run: `run ${i}` })
  expect(store.latest().run).toBe('run 4999')
  expect(redraws).toBe(0)
  await vi.waitFor(() => expect(store.shown().run).toBe('run 4999'))
  expect(redraws).toBe(1)
})

describe('the screen of a run', () => {
  test('shows every cell with EM % or state, what runs, the judge, warnings and keys', async () => {
    const { frame, unmount } = show()
    await tick()
    const text = frame()
    for (const part of [
      'EM % at step',
      '1.20 USD, no limit',
      'baseline',
      '1%',
      '45%',
      '⋯25%',
      '?30%',
      '50 of 200',
      '1234 tokens/s',
      '77 made',
      '2 failed',
      'One training seed',
      'q quit',
    ])
      expect(text).toContain(part)
    unmount()
  })

  test('never prints the control characters of a name', async () => {
    const { frame, unmount } = show()
    await vi.waitFor(() => expect(frame()).toContain('hostile␛[31m name'))
    expect(frame()).not.toContain('hostile\u001b')
    unmount()
  })

  test('keys: help and back, warnings, pause, quit', async () => {
    const onQuit = vi.fn()
    const onPause = vi.fn()
    const { frame, stdin, unmount } = show({ quit: onQuit, pause: onPause })
    await tick()
    stdin.write('?')
    await vi.waitFor(() => expect(frame()).toContain('stop in order and quit'))
    stdin.write('\u001b')
    await vi.waitFor(() => expect(frame()).toContain('EM % at step'))
    stdin.write('w')
    await vi.waitFor(() => expect(frame()).toContain('0 failures, 0 alarms, 1 warning'))
    stdin.write('w')
    await tick()
    stdin.write('p')
    await vi.waitFor(() => expect(onPause).toHaveBeenLastCalledWith(true))
    await vi.waitFor(() => expect(frame()).toContain('PAUSED'))
    stdin.write('p')
    await vi.waitFor(() => expect(onPause).toHaveBeenLastCalledWith(false))
    stdin.write('q')
    await vi.waitFor(() => expect(onQuit).toHaveBeenCalledTimes(1))
    await vi.waitFor(() => expect(frame()).toContain('stopping'))
    unmount()
  })

  test('opens the answers of the selected cell', async () => {
    const { frame, stdin, unmount } = show()
    await tick()
    stdin.write('\u001b[B')
    await tick()
    stdin.write('\u001b[C')
    await tick()
    stdin.write('\r')
    await vi.waitFor(() => expect(frame()).toContain('baseline at step 40'))
    expect(frame()).toContain('EM 45.0%')
    await vi.waitFor(() => expect(frame()).toContain('no answers yet'))
    unmount()
  })

  test('follows new events', async () => {
    const { frame, store, unmount } = show()
    await tick()
    store.set(
      foldEvent(
        store.latest(),
        { type: 'cell-metrics', cell: 'baseline/160', metrics: metrics(0.84) },
        0,
      ),
    )
    await vi.waitFor(() => expect(frame()).toContain('84%'))
    unmount()
  })

  test('shows a run that has no cells yet', async () => {
    const store = createViewStore(emptyView, 0)
    const { lastFrame, unmount } = render(<RunApp store={store} controls={{ quit: vi.fn() }} />)
    await vi.waitFor(() => expect(lastFrame()).toContain('starting'))
    unmount()
  })
})

describe('the grid', () => {
  const view = events.reduce((v, event) => foldEvent(v, event, 0), emptyView)
  const grid = gridOf(view)

  test('has steps across and variants down, with gaps', () => {
    expect(grid.steps).toEqual([0, 40, 160])
    expect(grid.rows.map((row) => row.cells.map((c) => c?.cell.id ?? null))).toEqual([
      ['base', null, null],
      ['baseline/0', 'baseline/40', 'baseline/160'],
      [null, 'hostile\u001b[31m\nname/40', null],
    ])
  })

  test('the selection moves over gaps to what is there, and stays at the edges', () => {
    expect(moveSelection(grid, { row: 0, column: 0 }, 'right')).toEqual({ row: 0, column: 0 })
    expect(moveSelection(grid, { row: 1, column: 2 }, 'down')).toEqual({ row: 2, column: 1 })
    expect(moveSelection(grid, { row: 2, column: 1 }, 'down')).toEqual({ row: 2, column: 1 })
    expect(moveSelection(grid, { row: 2, column: 1 }, 'up')).toEqual({ row: 1, column: 1 })
  })

  test('a state is told without colour', () => {
    const one = view.cells.get('baseline/40')
    if (one === undefined) throw new Error('no cell')
    expect(cellText(one).text).toBe('45%')
    expect(cellText({ ...one, isCollapsed: true }).text).toBe('45%!')
    expect(cellText({ ...one, cell: { ...one.cell, match: 'MISMATCH' } }).text).toBe('45%≠')
    expect(cellText({ ...one, generate: { ...one.generate, state: 'failed' } }).text).toBe('✗')
  })
})
