import { expect, test, vi } from 'vitest'
import { countColour, readPng } from '../test/read-png.ts'
import { readSvg } from '../test/read-svg.ts'
import { colourAt, diverging } from './colour-scales.ts'
import { renderPng, renderSvg, type TokenRow, tokenStrips } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const tokens = (...list: readonly (readonly [string, number | null])[]): TokenRow[] =>
  list.map(([token, projection]) => ({ response: 'one', token, projection }))
const draw = async (rows: readonly TokenRow[], options = {}) =>
  readSvg(await renderSvg(tokenStrips(rows, options)))

test('a token has the colour of its projection, full at the reach', async () => {
  const rows = tokens(['misaligned', 2], [' aligned', -2], [' neutral', 0])
  const pixels = readPng(await renderPng(tokenStrips(rows, { reach: 2 })))
  for (const share of [0, 0.5, 1])
    expect(countColour(pixels, colourAt(diverging, share))).toBeGreaterThan(300)
})

test('the mean of a response is over the tokens that have a projection', async () => {
  const words = (await draw(tokens(['a', 1], ['b', 2], ['c', null]))).texts.map(({ text }) => text)
  expect(words).toContain('3 tokens, mean 1.50')
  expect(words.join(' ')).toContain('Outlined: no projection (1 token).')
})

test('a new line in a token starts a line, with its sign', async () => {
  const { texts } = await draw(tokens(['first\n', 1], ['second', 1]))
  const [first, second] = ['first⏎', 'second'].map((word) =>
    texts.find(({ text }) => text === word),
  )
  expect(second?.x).toBeCloseTo(first?.x ?? 0, 6)
  expect(second?.y).toBeGreaterThan(first?.y ?? Infinity)
})

test('tokens beyond the last line are counted', async () => {
  const rows = tokens(...Array.from({ length: 300 }, (_, i) => [` word${i}`, 1] as const))
  const words = (await draw(rows, { maxLines: 2, width: 'single' })).texts.map(({ text }) => text)
  const hidden = Number(/Not shown: (\d+) tokens beyond 2 lines/.exec(words.join(' '))?.[1])
  const shown = words.filter((text) => /^word\d+$/.test(text)).length
  expect(shown + hidden).toBe(300)
  expect(shown).toBeGreaterThan(4)
})

test('hostile tokens are drawn as text on one line', async () => {
  const rows = tokens(['<script>', 1], ['\u202e\u0000', 1], ['', 1], ['x'.repeat(500), 1])
  const svg = await renderSvg(tokenStrips(rows))
  expect(svg).not.toContain('<script')
  expect(svg).not.toContain('\u202e')
  expect(readSvg(svg).width).toBeLessThanOrEqual(652)
})

test('all projections equal, or none at all, make a figure', async () => {
  expect((await draw(tokens(['a', 0], ['b', 0]))).texts.length).toBeGreaterThan(3)
  expect((await draw(tokens(['a', null]))).texts.map(({ text }) => text)).toContain(
    '1 token, mean none',
  )
})

test('an infinite projection, a reach of 0 and no rows are refused', () => {
  expect(() => tokenStrips(tokens(['a', Infinity]))).toThrow('projection is Infinity')
  expect(() => tokenStrips(tokens(['a', 1]), { reach: 0 })).toThrow('reach is 0')
  expect(() => tokenStrips([])).toThrow('tokenStrips got no rows')
})
