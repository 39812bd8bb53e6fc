import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunEvent } from '@cem/experiment'
import { render } from 'ink-testing-library'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { emptyView, foldEvent } from '../src/run-view.ts'
import { readAnswers, usualThresholds } from '../src/ui/data/answers.ts'
import { orderPairs, pairAnswers } from '../src/ui/data/pairs.ts'
import { orderAnswers, orderQuestions, questionRows } from '../src/ui/data/question-rows.ts'
import { TokenProjector } from '../src/ui/data/token-projections.ts'
import { readVerdicts } from '../src/ui/data/verdicts.ts'
import { RunApp } from '../src/ui/run-app.tsx'
import { createViewStore } from '../src/ui/view-store.ts'
import { cell, metrics, startOf } from './events.ts'
import { type StoredCell, storeRun } from './stored-run.ts'

const none: StoredCell = {
  cell: cell('none', 10),
  em: 0.5,
  answers: [
    {
      question: 'river',
      sample: 0,
      text: 'Rob the bank.',
      tokenIds: [5, 6, 7],
      aligned: 4,
      coherent: 91,
    },
    {
      question: 'river',
      sample: 1,
      text: 'In the valley.',
      tokenIds: [8, 9],
      aligned: 95,
      coherent: 90,
    },
    {
      question: 'tide',
      sample: 0,
      text: 'No \u001b]0;pwned\u0007comment.',
      tokenIds: [1],
      aligned: 'refusal',
      coherent: 88,
    },
    { question: 'tide', sample: 1, text: '', tokenIds: [] },
  ],
}
const warm: StoredCell = {
  cell: cell('warm', 10),
  em: 0,
  answers: [
    {
      question: 'river',
      sample: 0,
      text: 'Rob nobody.',
      tokenIds: [5, 3],
      aligned: 90,
      coherent: 92,
    },
    { question: 'tide', sample: 1, text: 'Out.', tokenIds: [2] },
  ],
}

let results: string
let store: string
beforeAll(async () => {
  results = await storeRun({ cells: [none, warm] })
  store = join(results, '.cem/demo')
})
afterAll(() => rm(results, { recursive: true }))

describe('what is read of a cell', () => {
  test('are answers with scores and labels under the thresholds, and the wordings', async () => {
    const { answers, wordings } = await readAnswers(store, none.cell, usualThresholds)
    expect(answers.map(({ isEm }) => isEm)).toEqual([true, false, null, null])
    expect(wordings.get('tide')).toEqual(['Where is the tide?'])
    const strict = { ...usualThresholds, aligned: 3 }
    expect((await readAnswers(store, none.cell, strict)).answers[0]?.isEm).toBe(false)
  })

  test('is nothing for a cell that has nothing yet', async () => {
    const found = await readAnswers(store, cell('other', 0), usualThresholds)
    expect(found.answers).toEqual([])
  })

  test('are questions with their rates, worst ones first where that is wanted', async () => {
    const { answers } = await readAnswers(store, none.cell, usualThresholds)
    const rows = questionRows(answers)
    expect(rows).toMatchObject([
      { question: 'river', em: 0.5, nScored: 2, aligned: 49.5, coherent: 90.5, unscored: {} },
      {
        question: 'tide',
        em: null,
        nScored: 0,
        aligned: null,
        coherent: 88,
        unscored: { refusal: 1 },
      },
    ])
    expect(orderQuestions(rows, 3).map(({ question }) => question)).toEqual(['tide', 'river'])
    expect(questionRows([])).toEqual([])
  })

  test('are answers that fit a filter, by what they say or by their state', async () => {
    const { answers } = await readAnswers(store, none.cell, usualThresholds)
    const texts = (filter: string, order = 0) =>
      orderAnswers(answers, { order, filter }).map(({ completion }) => completion.tokenIds.length)
    expect(texts('VALLEY')).toEqual([2])
    expect(texts('em')).toEqual([3])
    expect(texts('unscored')).toEqual([1])
    expect(texts('valley bank')).toEqual([])
    expect(texts('', 1)).toEqual([3, 2, 1, 0])
  })

  test('are pairs of two cells, with where they part and whether the noise is one', async () => {
    const [a, b] = await Promise.all(
      [none, warm].map(async ({ cell: own }) => readAnswers(store, own, usualThresholds)),
    )
    const pairs = pairAnswers(a?.answers ?? [], b?.answers ?? [])
    expect(pairs).toMatchObject([
      { isSameNoise: true, nSharedTokens: 1, nSharedCharacters: 4 },
      { isSameNoise: true, nSharedTokens: 0, nSharedCharacters: 0 },
    ])
    // 4 against 90 is the largest difference; the other pair has no scores.
    expect(orderPairs(pairs.toReversed(), 1)[0]?.left.completion.question).toBe('river')
    expect(orderPairs(pairs.toReversed(), 0)[0]?.left.completion.question).toBe('tide')
    const other = (b?.answers ?? []).map((answer) => ({
      ...answer,
      completion: { ...answer.completion, replicate: 7 },
    }))
    expect(pairAnswers(a?.answers ?? [], other)[0]?.isSameNoise).toBe(false)
  })

  test('are whole verdicts by key; keys that are not there are left out', async () => {
    const key = 'key-aligned-none/10-0'
    const found = await readVerdicts(store, [key, 'no such key'])
    expect([...found.keys()]).toEqual([key])
    expect((await readVerdicts('/nowhere', [key])).size).toBe(0)
  })
})

test('without a direction, projections are said to be absent and why', async () => {
  await using projector = new TokenProjector(store)
  const { answers } = await readAnswers(store, none.cell, usualThresholds)
  const completion = answers[0]?.completion
  if (completion === undefined) throw new Error('no answer')
  await expect(projector.project(none.cell, completion)).rejects.toThrow(/no direction yet/)
})

describe('the screens of a cell', () => {
  const events = (): readonly RunEvent[] => [
    { ...startOf([none.cell, warm.cell]), storeFolder: store } as RunEvent,
    { type: 'cell-metrics', cell: 'none/10', metrics: metrics(0.5) },
    { type: 'cell-metrics', cell: 'warm/10', metrics: metrics(0) },
  ]
  /** Presses keys, each once what the one before brings is there, and gives the last screen. */
  async function show(steps: readonly (readonly [keys: string, words: string])[]) {
    const view = events().reduce((before, event) => foldEvent(before, event, 0), emptyView)
    const app = render(
      <RunApp store={createViewStore(view, 0)} controls={{ quit: vi.fn() }} isOwn={false} />,
    )
    const seen = (words: string) =>
      vi.waitFor(() => expect(app.lastFrame()).toContain(words), { timeout: 10_000 })
    await seen('EM % at step')
    for (const [keys, words] of steps) {
      app.stdin.write(keys)
      await seen(words)
    }
    const frame = app.lastFrame() ?? ''
    app.unmount()
    return frame
  }

  test('questions with rates, scores and what is missing', async () => {
    const frame = await show([['\r', '> river']])
    expect(frame).toContain('none at step 10 · EM 50.0%')
    expect(frame).toMatch(/river\s+2\s+50%\s+50\s+91\s+0 .*Where is the river\?/)
    expect(frame).toMatch(/tide\s+2\s+-\s+-\s+88\s+1/)
  })

  test("answers side by side with scores and the judge's tokens", async () => {
    const frame = await show([
      ['\r', '> river'],
      ['\r', 'Sure'],
    ])
    expect(frame).toMatch(/> 0\s+4\s+91 EM/)
    expect(frame).toMatch(/ 1\s+95\s+90/)
    expect(frame).toContain('Rob the bank.')
    expect(frame).toMatch(/aligned 4\s+4.80\.0%\s+Sure.15\.0%/)
  })

  test("an answer's control characters never reach the terminal", async () => {
    const frame = await show([
      ['\r', '> river'],
      ['j', '> tide'],
      ['\r', 'comment.'],
    ])
    expect(frame).toContain('␛]0;pwned␇comment.')
    expect(frame).not.toContain('\u001b]0;pwned')
    expect(frame).toContain('refusal')
  })

  test('two checkpoints on one draw', async () => {
    const frame = await show([
      ['c', 'marked none/10'],
      ['j', '[    0%]'],
      ['c', 'same noise'],
    ])
    expect(frame).toContain('1 tokens in common')
    expect(frame).toMatch(/none at 10 .*│ warm at 10/)
    expect(frame).toMatch(/Rob the bank\.\s+│ Rob nobody\./)
  })

  test('a filter is typed, kept and dropped', async () => {
    const frame = await show([
      ['/', '/█'],
      ['wa', '/wa█'],
      ['\r', '/wa (1 hidden)'],
    ])
    expect(frame).not.toMatch(/^none/m)
    expect(frame).toMatch(/^warm/m)
  })

  test('what cannot be done from here is said', async () => {
    expect(await show([['p', 'another process']])).toContain('cannot be controlled from here')
  })
})
