import { randomSource } from '@cem/core'
import { expect, test } from 'vitest'
import { spreadLabels } from './spread-labels.ts'

const range = { gap: 10, low: 0, high: 100 }

test('labels that are apart stay where they are', () => {
  expect(spreadLabels([50, 0, 100, 75], range)).toEqual([50, 0, 100, 75])
  expect(spreadLabels([], range)).toEqual([])
})

test('labels that coincide part evenly, in the order of the input', () => {
  expect(spreadLabels([50, 50], range)).toEqual([45, 55])
  expect(spreadLabels([50, 50, 50], range)).toEqual([40, 50, 60])
})

test('a pair that is pushed against a third moves all three as one block', () => {
  // 50 and 51 alone would go to 45.5 and 55.5; with 60 behind them the block's mean shift is (0 - 9 - 10) / 3 from 50.
  const block = (50 + 41 + 40) / 3
  const result = spreadLabels([50, 51, 60], range)
  expect(result[0]).toBeCloseTo(block, 10)
  expect(result[1]).toBeCloseTo(block + 10, 10)
  expect(result[2]).toBeCloseTo(block + 20, 10)
})

test('labels stay in the range, and run over both ends alike where they cannot', () => {
  expect(spreadLabels([0, 0], range)).toEqual([0, 10])
  expect(spreadLabels([100, 100], range)).toEqual([90, 100])
  expect(spreadLabels([5, 5, 5, 5], { gap: 10, low: 0, high: 20 })).toEqual([-5, 5, 15, 25])
})

test('any positions come out in order, apart and in the range', () => {
  const random = randomSource('spread labels')
  for (let trial = 0; trial < 200; trial++) {
    const positions = Array.from({ length: 1 + random.integer(10) }, () => 100 * random.uniform())
    const spread = spreadLabels(positions, range)
    const pairs = positions.map((from, i) => ({ from, to: spread[i] ?? Number.NaN }))
    const sorted = pairs.toSorted((a, b) => a.from - b.from)
    for (const [i, { to }] of sorted.entries()) {
      expect(to).toBeGreaterThanOrEqual(-1e-9)
      expect(to).toBeLessThanOrEqual(100 + 1e-9)
      if (i > 0) expect(to - (sorted[i - 1]?.to ?? Number.NaN)).toBeGreaterThanOrEqual(10 - 1e-9)
    }
  }
})
