import { expect, test, vi } from 'vitest'
import { eightQuestions, questionRows } from '../test/figure-rows.ts'
import { countColour, readPng } from '../test/read-png.ts'
import { readSvg } from '../test/read-svg.ts'
import { colourAt, sequential } from './colour-scales.ts'
import { type QuestionRow, questionHeatMap, renderPng, renderSvg } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const cell = (question: string, value: number | null): QuestionRow => ({
  variant: 'a',
  question,
  value,
})
const texts = async (rows: readonly QuestionRow[], options = {}) =>
  readSvg(await renderSvg(questionHeatMap(rows, options))).texts

test('a cell has the colour of its rate, and its number with the interval below', async () => {
  const rows = [
    { ...cell('x', 100), low: 92.6, high: 104 },
    { ...cell('y', 50), low: 40.4, high: 59.6 },
  ]
  const drawn = (await texts(rows)).map(({ text }) => text)
  for (const word of ['100', '93–100', '50', '40–60']) expect(drawn).toContain(word)
  const pixels = readPng(await renderPng(questionHeatMap(rows)))
  expect(countColour(pixels, colourAt(sequential, 0.5))).toBeGreaterThan(1000)
  expect(countColour(pixels, colourAt(sequential, 1))).toBeGreaterThan(1000)
})

test('questions keep their order, or go by falling mean', async () => {
  const rows = [cell('low', 10), cell('high', 90), cell('none', null), cell('middle', 50)]
  const order = async (options = {}) =>
    (await texts(rows, options))
      .filter(({ anchor }) => anchor === 'end')
      .toSorted((a, b) => a.y - b.y)
      .map(({ text }) => text)
  expect(await order()).toEqual(['low', 'high', 'none', 'middle'])
  expect(await order({ order: 'value' })).toEqual(['high', 'middle', 'low', 'none'])
})

test('what has no value and what was not asked is crossed out and counted, never coloured like 0', async () => {
  const drawn = (await texts(questionRows(['a', 'b', 'c']))).map(({ text }) => text).join(' ')
  expect(drawn).toContain('Crossed out: no value (1) or not asked (1).')
})

test('values without interval have an asterisk', async () => {
  const drawn = (await texts([cell('x', 12)])).map(({ text }) => text)
  expect(drawn).toContain('12*')
  expect(drawn.join(' ')).toContain('* no interval (1 cell).')
})

test('all rates of 0 make a figure with an axis to 5', async () => {
  const drawn = (await texts(eightQuestions.map((question) => cell(question, 0)))).map(
    ({ text }) => text,
  )
  expect(drawn).toContain('5')
})

test('rows twice and rates beyond 100 are refused', () => {
  expect(() => questionHeatMap([cell('x', 1), cell('x', 2)])).toThrow('Rows 0 and 1 are both')
  expect(() => questionHeatMap([cell('x', 101)])).toThrow('value is 101')
  expect(() => questionHeatMap([])).toThrow('questionHeatMap got no rows')
})
