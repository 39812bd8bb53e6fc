import { expect, test } from 'vitest'
import { philox4x32, randomKey, randomSource, uniform } from './random.ts'

const hex = (words: Uint32Array) =>
  Array.from(words, (w) => w.toString(16).padStart(8, '0')).join(' ')

test('philox gives the known answers that its authors publish', () => {
  // kat_vectors of the Random123 distribution, philox4x32 with 10 rounds.
  expect(hex(philox4x32([0, 0, 0, 0], { low: 0, high: 0 }))).toBe(
    '6627e8d5 e169c58d bc57ac4c 9b00dbd8',
  )
  const ones = 0xffffffff
  expect(hex(philox4x32([ones, ones, ones, ones], { low: ones, high: ones }))).toBe(
    '408f276d 41c83b0e a20bc7c6 6d5451fd',
  )
  expect(
    hex(
      philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], {
        low: 0xa4093822,
        high: 0x299f31d0,
      }),
    ),
  ).toBe('d16cfe09 94fdcceb 5001e420 24126ea1')
})

test('keys tell apart what they are made of', () => {
  const keys = [randomKey('a', 1), randomKey('a1'), randomKey('a', '1'), randomKey(1, 'a')]
  expect(new Set(keys.map((k) => `${k.high}:${k.low}`)).size).toBe(4)
  expect(randomKey('a', 1)).toEqual(randomKey('a', 1))
})

test('uniform numbers have the mean and variance of the uniform distribution', () => {
  const key = randomKey('moments')
  const n = 20_000
  const values = Array.from({ length: n }, (_, i) => uniform(key, i))
  const mean = values.reduce((a, b) => a + b) / n
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n
  // Five standard errors: 5 * sqrt(1/12/n) and 5 * sqrt(1/180/n).
  expect(Math.abs(mean - 1 / 2)).toBeLessThan(0.0103)
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.0027)
  expect(Math.min(...values)).toBeGreaterThan(0)
  expect(Math.max(...values)).toBeLessThan(1)
})

test('a source repeats itself for the same parts, and shuffles without loss', () => {
  const items = Array.from({ length: 50 }, (_, i) => i)
  const once = randomSource('s', 1).shuffle(items)
  expect(randomSource('s', 1).shuffle(items)).toEqual(once)
  expect(randomSource('s', 2).shuffle(items)).not.toEqual(once)
  expect(once.toSorted((a, b) => a - b)).toEqual(items)
})
