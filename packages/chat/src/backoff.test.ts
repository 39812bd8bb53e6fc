import { expect, test } from 'vitest'
import { backoffDelay } from './backoff.ts'

const options = { baseDelayInMs: 500, maxDelayInMs: 3000 }
const half = { uniform: () => 0.5 }

test('the ceiling doubles with each attempt up to the longest wait, and the jitter is full', () => {
  const delays = [1, 2, 3, 4, 50].map((n) => backoffDelay(n, undefined, options, half))
  expect(delays).toEqual([250, 500, 1000, 1500, 1500])
  expect(backoffDelay(3, undefined, options, { uniform: () => 0 })).toBe(0)
})

test('a wait that the server asks for is kept whole, with jitter on top', () => {
  expect(backoffDelay(1, 20_000, options, half)).toBe(20_250)
  expect(backoffDelay(1, 100, options, half)).toBe(350)
  // Asked for the ninth time, 100 ms are too little: half of 3 s.
  expect(backoffDelay(9, 100, options, half)).toBe(1500)
})

test('a server that asks for no wait at all is given the usual one', () => {
  expect(backoffDelay(2, 0, options, half)).toBe(500)
})
