import { expect, test } from 'vitest'
import { SlidingBudget } from './sliding-budget.ts'

test('what began within 61 seconds is counted, to the millisecond', () => {
  const budget = new SlidingBudget(2)
  budget.take(0, 1)
  // A tenth of 2, rounded up, is 1 in 6.1 seconds.
  expect(budget.delayInMs(100, 1)).toBe(6000)
  expect(budget.delayInMs(6100, 1)).toBe(0)
  budget.take(7000, 1)
  expect(budget.used(8000)).toBe(2)
  // The first leaves at 61 000.
  expect(budget.delayInMs(20_000, 1)).toBe(41_000)
  expect(budget.delayInMs(60_999, 1)).toBe(1)
  expect(budget.delayInMs(61_000, 1)).toBe(0)
  expect(budget.used(61_000)).toBe(1)
  expect(budget.used(68_000)).toBe(0)
})

test('a cost waits for as many to leave as it needs', () => {
  const budget = new SlidingBudget(100)
  for (const at of [0, 10_000, 20_000]) budget.take(at, 30)
  // 90 are taken: 10 fit at once, 40 when the first has left, 70 when two have.
  expect(budget.delayInMs(30_000, 10)).toBe(0)
  expect(budget.delayInMs(30_000, 40)).toBe(31_000)
  expect(budget.delayInMs(30_000, 70)).toBe(41_000)
  expect(budget.delayInMs(30_000, 100)).toBe(51_000)
  expect(budget.delayInMs(30_000, 101)).toBe(Number.POSITIVE_INFINITY)
})

test('the real cost takes the place of the estimate, also of what has left', () => {
  const budget = new SlidingBudget(100)
  const entry = budget.take(0, 80)
  expect(budget.delayInMs(10_000, 50)).toBe(51_000)
  budget.correct(entry, 20)
  expect(budget.used(10_000)).toBe(20)
  expect(budget.delayInMs(10_000, 50)).toBe(0)
  budget.take(10_000, 10)
  expect(budget.used(61_000)).toBe(10)
  budget.correct(entry, 90)
  expect(budget.used(61_000)).toBe(10)
})

test('thousands of entries are counted as the definition says', () => {
  const budget = new SlidingBudget(1000)
  const taken: number[] = []
  let now = 0
  for (let i = 0; i < 5000; i++) {
    now += Math.max((i * 7919) % 40, budget.delayInMs(now, 1))
    expect(budget.delayInMs(now, 1)).toBe(0)
    budget.take(now, 1)
    taken.push(now)
  }
  for (const [i, end] of taken.entries()) {
    const before = taken[i - 1000]
    if (before !== undefined) expect(end - before).toBeGreaterThanOrEqual(61_000)
  }
  expect(budget.used(now)).toBe(taken.filter((at) => at > now - 61_000).length)
})
