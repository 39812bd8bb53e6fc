import type { RunEvent } from '@cem/experiment'
import { describe, expect, test } from 'vitest'
import { runTimeLeft } from '../src/estimate.ts'
import { judgeRates, spentUsd } from '../src/judge-view.ts'
import { emptyView, foldEvent, type RunView, runningUnits } from '../src/run-view.ts'
import { unscoredText } from '../src/ui/judge-panel.tsx'
import { createUnitStop } from '../src/ui/unit-stop.ts'
import { cell, metrics, startOf } from './events.ts'

const judged = (unit: string, done: number, calls: number, costUsd: number | null): RunEvent => ({
  type: 'unit-progress',
  unit,
  done,
  total: 100,
  tokensPerSecond: null,
  judge: { calls, cached: 0, failures: 0, inFlight: 4, costUsd },
})
const begin = (unit: string): RunEvent => ({ type: 'unit-start', unit, total: 100, done: 0 })
const session = (name: string): RunEvent => ({
  type: 'judging-start',
  judge: 'first',
  model: 'm',
  session: name,
  cells: ['a/0'],
  nRows: 100,
  estimate: null,
})
const foldAt = (events: readonly (readonly [number, RunEvent])[], from: RunView = emptyView) =>
  events.reduce((view, [now, event]) => foldEvent(view, event, now), from)

const cells = [cell('a', 0), cell('a', 10)]

describe('the judge of a run', () => {
  test('calls a minute are those of the last minute, and its speed leaves out the time without answers', () => {
    const view = foldAt([
      [0, startOf(cells)],
      [0, begin('judge:a/0')],
      [0, judged('judge:a/0', 0, 0, null)],
      [10_000, judged('judge:a/0', 100, 200, null)],
      // 30 s with nothing to judge.
      [40_000, begin('judge:a/10')],
      [40_000, judged('judge:a/10', 0, 200, null)],
      [50_000, judged('judge:a/10', 50, 300, null)],
    ])
    const { callsPerMinute, rowsPerMs } = judgeRates(view.judge, 50_000)
    // 300 calls in 50 s; 150 answers in 20 s of work.
    expect(callsPerMinute).toBeCloseTo(360)
    expect(rowsPerMs).toBeCloseTo(150 / 20_000)
    expect(judgeRates(emptyView.judge, 0)).toEqual({ callsPerMinute: null, rowsPerMs: null })
  })

  test('what is spent is that of all sessions, each by its last word', () => {
    const view = foldAt([
      [0, startOf(cells)],
      [0, session('one')],
      [1, judged('judge:a/0', 1, 1, 0.25)],
      [
        2,
        {
          type: 'judge-cost',
          judge: 'first',
          session: 'one',
          calls: 2,
          promptTokens: 0,
          completionTokens: 0,
          costUsd: 0.5,
          possibleUsd: 0,
        },
      ],
      // Another process goes on: its counters begin anew.
      [3, startOf(cells)],
      [4, session('two')],
      [5, judged('judge:a/10', 1, 1, 0.1)],
    ])
    expect(spentUsd(view.judge)).toBeCloseTo(0.6)
    expect(spentUsd(emptyView.judge)).toBeNull()
  })

  test('missing scores are counted by reason over all cells', () => {
    const some = metrics(0.1)
    const missing = { aligned: { refusal: 2, 'low-mass': 1 }, coherent: { refusal: 1 } }
    const view = foldAt([
      [0, startOf(cells)],
      [
        0,
        {
          type: 'cell-metrics',
          cell: 'a/0',
          metrics: { ...some, main: { ...some.main, unscored: missing } },
        },
      ],
      [0, { type: 'cell-metrics', cell: 'a/10', metrics: some }],
    ])
    expect(unscoredText(view)).toBe('4 scores missing: refusal 3, low-mass 1')
    expect(unscoredText(foldAt([[0, startOf(cells)]]))).toBe('no cell judged yet')
    // Before a cell ends, what the judge's own counters say.
    const counters = { ...emptyView.judge.counters, unscored: { refusal: 5, code: 1 } }
    expect(unscoredText({ ...view, judge: { ...view.judge, counters } })).toBe(
      '7 scores missing: refusal 5, low-mass 1, code 1',
    )
  })
})

describe('the time that a run still takes', () => {
  test('is the longer of answering and judging where they go on side by side', () => {
    const view = foldAt([
      [0, startOf(cells)],
      [
        0,
        {
          type: 'unit-end',
          unit: 'generate:a/0',
          total: 100,
          durationInMs: 8000,
          files: [],
          retryable: 0,
        },
      ],
      [0, begin('judge:a/0')],
      [0, judged('judge:a/0', 0, 0, null)],
      [10_000, judged('judge:a/0', 50, 100, null)],
    ])
    // One unit of 8 s waits; 50 and 100 answers at 5 a second.
    expect(runTimeLeft(view, 10_000)).toEqual({
      generating: 8000,
      judging: 30_000,
      total: 30_000,
      isPartial: false,
    })
  })
})

describe('several processes on one run', () => {
  test('a second one that begins takes nothing from what the first one works on', () => {
    const view = foldAt([
      [0, startOf(cells)],
      [1000, begin('generate:a/0')],
      [2000, startOf(cells)],
      [3000, begin('generate:a/10')],
    ])
    expect(runningUnits(view)).toEqual(['generate:a/0', 'generate:a/10'])
  })

  test('units of a process that was killed wait again when the next one begins later', () => {
    const view = foldAt([
      [0, startOf(cells)],
      [1000, begin('generate:a/0')],
      [100_000, startOf(cells)],
    ])
    expect(runningUnits(view)).toEqual([])
  })

  test('failures are forgotten when the unit begins again, and the end stops what runs', () => {
    const failed = foldAt([
      [0, startOf(cells)],
      [0, { type: 'unit-failed', unit: 'judge:a/0', code: 'x', message: 'broken' }],
    ])
    expect(failed.failures).toHaveLength(1)
    const again = foldAt([[1, begin('judge:a/0')]], failed)
    expect(again.failures).toEqual([])
    const ended = foldAt(
      [[2, { type: 'run-end', outcome: 'stopped', files: [], remaining: 2, alarms: [] }]],
      again,
    )
    expect(runningUnits(ended)).toEqual([])
    expect(ended).toMatchObject({ outcome: 'stopped', remaining: 2, alarms: [] })
  })
})

test('a hundred thousand events leave no more behind than the cells need', () => {
  let view = foldAt([[0, startOf(cells)]])
  const size = () => JSON.stringify({ ...view, cells: [...view.cells] }).length
  let sizeAfterThousand = 0
  for (let i = 1; i <= 100_000; i++) {
    const id = i % 2 === 0 ? 'a/0' : 'a/10'
    const all: readonly RunEvent[] = [
      begin(`generate:${id}`),
      judged(`judge:${id}`, i % 100, i, i / 1000),
      { type: 'warning', warning: { code: 'one-seed', message: 'one seed', cells: [id] } },
      { type: 'unit-failed', unit: `judge:${id}`, code: 'x', message: `broken ${i % 7}` },
      {
        type: 'unit-end',
        unit: `generate:${id}`,
        total: 100,
        durationInMs: 5,
        files: [],
        retryable: 0,
      },
    ]
    view = foldEvent(view, all[i % all.length] as RunEvent, i * 100)
    if (i === 1000) sizeAfterThousand = size()
  }
  // Numbers grow by some digits; a list that grows would be thousands of entries longer.
  expect(size()).toBeLessThan(sizeAfterThousand + 1000)
})

describe('stopping after the units that run', () => {
  const end = (unit: string): RunEvent => ({
    type: 'unit-end',
    unit,
    total: 1,
    durationInMs: 1,
    files: [],
    retryable: 0,
  })

  test('is due when each of them has ended or failed', () => {
    const stop = createUnitStop()
    expect(stop.isDue(end('generate:a/0'))).toBe(false)
    stop.ask(['generate:a/0', 'judge:b/0'])
    expect(stop.isDue(end('generate:a/0'))).toBe(false)
    expect(stop.isDue(begin('generate:a/10'))).toBe(false)
    expect(
      stop.isDue({ type: 'unit-failed', unit: 'judge:b/0', code: 'x', message: 'broken' }),
    ).toBe(true)
    expect(stop.isDue(end('generate:a/10'))).toBe(false)
  })

  test('can be taken back, and nothing running is nothing to wait for', () => {
    const stop = createUnitStop()
    stop.ask(['generate:a/0'])
    stop.ask(null)
    expect(stop.isDue(end('generate:a/0'))).toBe(false)
    stop.ask([])
    expect(stop.isDue(end('generate:a/0'))).toBe(false)
  })
})
