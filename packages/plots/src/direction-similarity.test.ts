import { expect, test, vi } from 'vitest'
import { countColour, readPng } from '../test/read-png.ts'
import { readSvg } from '../test/read-svg.ts'
import { colourAt, diverging } from './colour-scales.ts'
import { directionSimilarity, renderPng, renderSvg, type SimilarityRow } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const texts = async (rows: readonly SimilarityRow[], options = {}) =>
  readSvg(await renderSvg(directionSimilarity(rows, options))).texts.map(({ text }) => text)

test('a pair that is given once stands on both sides of the empty diagonal', async () => {
  const drawn = await texts([{ a: 'x', b: 'y', cosine: -0.25 }])
  expect(drawn.filter((text) => text === '−0.25')).toHaveLength(2)
  expect(drawn).not.toContain('1.00')
})

test('the sign is the side of the colours', async () => {
  const rows = [
    { a: 'x', b: 'y', cosine: 1 },
    { a: 'x', b: 'z', cosine: -1 },
  ]
  const pixels = readPng(await renderPng(directionSimilarity(rows)))
  for (const share of [0, 1])
    expect(countColour(pixels, colourAt(diverging, share))).toBeGreaterThan(1000)
})

test('what chance reaches is in brackets, what is missing is crossed out and counted', async () => {
  const rows = [
    { a: 'x', b: 'y', cosine: 0.1 },
    { a: 'x', b: 'z', cosine: null },
    { a: 'y', b: 'z', cosine: 0.3 },
  ]
  const drawn = await texts(rows, { chance: 0.2 })
  expect(drawn).toContain('(0.10)')
  expect(drawn).toContain('0.30')
  expect(drawn.join(' ')).toContain('Crossed out: no value (1).')
})

test('groups have panels of their own', async () => {
  const rows = ['Layer 0', 'Layer 1'].map((group) => ({ a: 'x', b: 'y', cosine: 0.5, group }))
  expect(await texts(rows)).toEqual(expect.arrayContaining(['Layer 0', 'Layer 1']))
})

test('a cosine beyond 1, one that differs the other way round and a pair twice are refused', () => {
  const row = { a: 'x', b: 'y', cosine: 0.5 }
  expect(() => directionSimilarity([{ ...row, cosine: 1.2 }])).toThrow('cosine is 1.2')
  expect(() => directionSimilarity([row, { a: 'y', b: 'x', cosine: 0.4 }])).toThrow(
    'the other way round',
  )
  expect(() => directionSimilarity([row, row])).toThrow('Rows 0 and 1')
  expect(() => directionSimilarity([])).toThrow('directionSimilarity got no rows')
})
