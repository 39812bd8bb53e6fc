import { expect, test } from 'vitest'
import { splitBySeed } from './split.ts'

const items = Array.from({ length: 25 }, (_, i) => i)

test('holds out the share, rounded up, and loses nothing', () => {
  const { training, evaluation } = splitBySeed(items, 0.1, 7)
  expect(evaluation).toHaveLength(3)
  expect([...training, ...evaluation].toSorted((a, b) => a - b)).toEqual(items)
  expect(training).toEqual(training.toSorted((a, b) => a - b))
})

test('depends on the seed alone', () => {
  expect(splitBySeed(items, 0.2, 1)).toEqual(splitBySeed(items, 0.2, 1))
  expect(splitBySeed(items, 0.2, 1)).not.toEqual(splitBySeed(items, 0.2, 2))
})

test('a share of 0 holds nothing out, and 0.3 of 10 is 3', () => {
  expect(splitBySeed(items, 0, 1)).toEqual({ training: items, evaluation: [] })
  expect(splitBySeed(items.slice(0, 10), 0.3, 1).evaluation).toHaveLength(3)
})
