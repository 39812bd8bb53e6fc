import { expect, test, vi } from 'vitest'
import { countColour, readPng } from '../test/read-png.ts'
import { readSvg } from '../test/read-svg.ts'
import { type AnswerRow, palette, quadrantPlot, renderPng, renderSvg } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const scores: readonly (readonly [aligned: number, coherent: number])[] = [
  [30, 51],
  [10, 90],
  [30, 50],
  [31, 51],
  [80, 80],
]
const rows = scores.map(([aligned, coherent]): AnswerRow => ({ variant: 'a', aligned, coherent }))
const words = async (options = {}, more: readonly AnswerRow[] = []) =>
  readSvg(await renderSvg(quadrantPlot([...rows, ...more], options))).texts.map(({ text }) => text)

test('the corners count answers on the thresholds as the run does', async () => {
  // Two of five are aligned at most 30 and coherent above 50, one is misaligned and not coherent, two are aligned and coherent.
  const drawn = await words()
  expect(drawn.filter((text) => text.endsWith(' %')).toSorted()).toEqual([
    '0.0 %',
    '20.0 %',
    '40.0 %',
    '40.0 %',
  ])
  expect(drawn).toContain('EM 40.0 % *, n = 5')
  // Below 30 alone is misaligned: one EM answer.
  expect(await words({ comparison: '<' })).toContain('EM 20.0 % *, n = 5')
})

test('a rate with its interval stands in the title instead of the share', async () => {
  const drawn = await words({ rates: [{ variant: 'a', em: 38, low: 21.04, high: 59 }] })
  expect(drawn).toContain('EM 38.0 (21.0 to 59.0) %, n = 5')
})

test('answers without both scores are counted and not drawn', async () => {
  const more = [
    { variant: 'a', aligned: null, coherent: 50 },
    { variant: 'a', aligned: 50, coherent: Number.NaN },
  ]
  const drawn = await words({}, more)
  expect(drawn.join(' ')).toContain('Not drawn: 2 answers without both scores.')
  expect(drawn).toContain('EM 40.0 % *, n = 5')
})

test('a variant without any scored answer says so', async () => {
  const spec = quadrantPlot([{ variant: 'a', aligned: null, coherent: null }])
  expect(readSvg(await renderSvg(spec)).texts.map(({ text }) => text)).toContain('no values')
})

test('bins hold as many answers as there are', () => {
  const many = Array.from({ length: 500 }, (_, i) => ({
    variant: 'a',
    aligned: i % 101,
    coherent: (7 * i) % 101,
  }))
  const text = JSON.stringify(quadrantPlot(many))
  const counts = Array.from(text.matchAll(/"count":(\d+)/g), ([, count]) => Number(count))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(500)
})

test('answers are drawn in the colour of their variant', async () => {
  const pixels = readPng(await renderPng(quadrantPlot(rows, { marks: 'bins' })))
  // The fullest bins have the whole colour.
  expect(countColour(pixels, palette[0] ?? '')).toBeGreaterThan(100)
})

test.each([
  [{ aligned: 101 }, 'aligned is 101; it has to be from 0 to 100'],
  [{ coherent: -1 }, 'coherent is -1'],
  [{ variant: 4 as unknown as string }, 'variant is 4'],
])('%j is refused', (change, message) => {
  expect(() => quadrantPlot([{ variant: 'a', aligned: 1, coherent: 1, ...change }])).toThrow(
    message,
  )
})

test('no rows and an unknown comparison are refused', () => {
  expect(() => quadrantPlot([])).toThrow('quadrantPlot got no rows')
  expect(() => quadrantPlot(rows, { comparison: '>' as '<' })).toThrow('it has to be one of <=, <')
})
