import type { RunEvent } from '@cem/experiment'
import { describe, expect, test } from 'vitest'
import { runTimeLeft, unitTimeLeft } from '../src/estimate.ts'
import { plainLines } from '../src/plain/plain-lines.ts'
import { emptyView, foldEvent, type RunView, runningUnits } from '../src/run-view.ts'
import { cell, metrics, startOf } from './events.ts'

const fold = (events: readonly RunEvent[], from: RunView = emptyView) =>
  events.reduce((view, event, i) => foldEvent(view, event, i * 1000), from)

const progress = (unit: string, done: number, total = 10): RunEvent => ({
  type: 'unit-progress',
  unit,
  done,
  total,
  tokensPerSecond: 100,
  judge: null,
})

describe('the view of a run', () => {
  const cells = [cell('a', 0), cell('a', 10)]

  test('follows a cell from waiting to its EM rate', () => {
    const start = fold([startOf(cells)])
    expect(start.cells.get('a/0')).toMatchObject({ generate: { state: 'waiting' }, metrics: null })
    const running = fold(
      [
        { type: 'unit-start', unit: 'generate:a/0', total: 10, done: 2 },
        progress('generate:a/0', 6),
      ],
      start,
    )
    expect(runningUnits(running)).toEqual(['generate:a/0'])
    expect(running.cells.get('a/0')?.generate).toMatchObject({
      state: 'running',
      done: 6,
      doneAtStart: 2,
      tokensPerSecond: 100,
    })
    const judged = fold(
      [
        {
          type: 'unit-end',
          unit: 'generate:a/0',
          total: 10,
          durationInMs: 5000,
          files: [],
          retryable: 0,
        },
        { type: 'unit-start', unit: 'judge:a/0', total: 10, done: 0 },
        { type: 'cell-metrics', cell: 'a/0', metrics: metrics(0.4) },
        {
          type: 'unit-end',
          unit: 'judge:a/0',
          total: 10,
          durationInMs: 1000,
          files: [],
          retryable: 0,
        },
      ],
      running,
    )
    expect(runningUnits(judged)).toEqual([])
    expect(judged.cells.get('a/0')).toMatchObject({
      generate: { state: 'done' },
      judge: { state: 'done' },
    })
    expect(judged.cells.get('a/0')?.metrics?.main.em.estimate).toBe(0.4)
  })

  test('a run that goes on begins with what is done, and repeats no warning', () => {
    const warning: RunEvent = {
      type: 'warning',
      warning: { code: 'one-seed', message: 'one', cells: [] },
    }
    const view = fold([startOf(cells, ['generate:a/0', 'judge:a/0']), warning, warning])
    expect(view.cells.get('a/0')).toMatchObject({
      generate: { state: 'done' },
      judge: { state: 'done' },
    })
    expect(view.warnings.length).toBe(1)
  })

  test('failures stay in sight, and judgements that failed do not count as done', () => {
    const view = fold([
      startOf(cells),
      { type: 'unit-failed', unit: 'generate:a/0', code: 'x', message: 'broken' },
      { type: 'unit-end', unit: 'judge:a/10', total: 10, durationInMs: 1, files: [], retryable: 3 },
      { type: 'run-end', outcome: 'failed', files: ['f'], remaining: 2 },
    ])
    expect(view.cells.get('a/0')).toMatchObject({
      generate: { state: 'failed' },
      failure: 'broken',
    })
    expect(view.cells.get('a/10')?.judge.state).toBe('failed')
    expect(view).toMatchObject({
      outcome: 'failed',
      failures: [
        { unit: 'generate:a/0' },
        { unit: 'judge:a/10', message: expect.stringMatching(/^3 judgements/) },
      ],
    })
  })

  test('collapsed cells are flagged', () => {
    const view = fold([
      startOf(cells),
      { type: 'warning', warning: { code: 'collapsed', message: 'x', cells: ['a/10'] } },
    ])
    expect([...view.cells.values()].map((c) => c.isCollapsed)).toEqual([false, true])
  })
})

describe('time left', () => {
  test('of a unit comes from what is new since it began, not from what was there', () => {
    const unit = {
      state: 'running' as const,
      done: 60,
      total: 100,
      startedAt: 0,
      doneAtStart: 50,
      tokensPerSecond: null,
      lastAt: 0,
    }
    // 10 in 20 s, 40 to go.
    expect(unitTimeLeft(unit, 20_000)).toBe(80_000)
    expect(unitTimeLeft({ ...unit, done: 50 }, 20_000)).toBeNull()
    expect(unitTimeLeft({ ...unit, state: 'done' }, 20_000)).toBeNull()
  })

  test('of a run is the rest of this unit and the mean of those that ended, for each that waits', () => {
    const cells = [cell('a', 0), cell('a', 1), cell('a', 2), cell('a', 3)]
    const view = fold([
      startOf(cells),
      {
        type: 'unit-end',
        unit: 'generate:a/0',
        total: 10,
        durationInMs: 4000,
        files: [],
        retryable: 0,
      },
      { type: 'unit-start', unit: 'generate:a/1', total: 10, done: 0 },
      progress('generate:a/1', 5),
    ])
    // Began at 2000; 5 of 10 by 4000: 2 s left, and two units of 4 s.
    expect(runTimeLeft(view, 4000)).toEqual({
      generating: 2000 + 2 * 4000,
      judging: null,
      total: 2000 + 2 * 4000,
      // Nothing is known of the judge's speed.
      isPartial: true,
    })
    expect(runTimeLeft(fold([startOf(cells)]), 1000)).toMatchObject({
      total: null,
      isPartial: true,
    })
  })
})

describe('plain lines', () => {
  test('one for each event worth one, and progress now and then', () => {
    const lines = plainLines()
    const at = (event: RunEvent, now: number) => lines(event, emptyView, now)
    expect(at({ type: 'unit-start', unit: 'generate:a/0', total: 10, done: 0 }, 0)).toEqual([
      'generate:a/0: begins, 10 answers',
    ])
    expect(at(progress('generate:a/0', 1), 1000)).toEqual([])
    expect(at(progress('generate:a/0', 7), 5000)).toEqual(['generate:a/0: 7 of 10, 100 tokens/s'])
    expect(at(progress('generate:a/0', 8), 6000)).toEqual([])
    expect(at({ type: 'cell-metrics', cell: 'a/0', metrics: metrics(0.4) }, 0)).toEqual([
      'a/0: EM 40.0% (30% to 50%), n 100',
    ])
    expect(
      at(
        { type: 'warning', warning: { code: 'one-seed', message: 'a\u001b[2J\nb', cells: [] } },
        0,
      ),
    ).toEqual(['warning: a␛[2J b'])
  })
})
