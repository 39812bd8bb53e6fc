import { expect, test } from 'vitest'
import { coverageOfDifference, coverageOfRate } from './coverage-table.ts'
import { coverageLikeDifference, coverageLikeRate } from './measured-coverage.ts'
import { pairedDifference } from './paired-difference.ts'
import { rate } from './rate.ts'

const rowsOf = (ones: readonly number[], size: number) =>
  ones.flatMap((n, question) =>
    Array.from({ length: size }, (_, i) => ({ question: `q${question}`, value: i < n ? 1 : 0 })),
  )
const cycle = (ones: readonly number[], nQuestions: number) =>
  Array.from({ length: nQuestions }, (_, q) => ones[q % ones.length] as number)

test('rates near 40 % over 30 questions are reliable, rare behaviour over 8 is not', () => {
  const common = rate(rowsOf(cycle([10, 15, 20, 25, 30], 30), 50))
  expect(common).toMatchObject({
    isReliable: true,
    coverage: {
      settings: expect.stringMatching(/^30 questions, rates 0\.4, ICC 0\.1, 0\.3, 0\.5$/),
    },
  })
  const rare = rate(rowsOf([9, 0, 0, 1, 0, 0, 0, 0], 50))
  expect(rare).toMatchObject({ isReliable: false, coverage: { isReliable: false } })
})

test('a share is looked up like its mirror image', () => {
  const ones = [2, 9, 4, 6, 1, 8, 3, 5]
  const low = rate(rowsOf(ones, 50))
  const high = rate(
    rowsOf(
      ones.map((n) => 50 - n),
      50,
    ),
  )
  expect(high.coverage).toEqual(low.coverage)
})

test('hand-looked-up: an interval from 4 to 25 % over 12 questions', () => {
  const found = coverageLikeRate({
    nQuestions: 12,
    estimate: 0.12,
    interval: { low: 0.04, high: 0.25, level: 0.95 },
  })
  // Rates 0.05, 0.1 and 0.2 over 8 questions, at every ICC.
  const like = coverageOfRate
    .filter((row) => row.nQuestions === 8 && [0.05, 0.1, 0.2].includes(row.trueRate))
    .map(({ covered }) => covered)
  expect(like).toHaveLength(9)
  expect(found).toEqual({
    lowest: Math.min(...like),
    highest: Math.max(...like),
    isReliable: false,
    settings: '8 questions, rates 0.05, 0.1, 0.2, ICC 0.1, 0.3, 0.5',
  })
})

test('what was not simulated is said, and not reliable', () => {
  const few = rate(rowsOf([5, 6, 4], 10))
  expect(few).toMatchObject({
    isReliable: false,
    coverage: { absent: 'coverage was simulated for 8 questions and more, there are 3' },
  })
  const other = rate(rowsOf(cycle([20, 30], 30), 50), { level: 0.9 })
  expect(other.coverage).toEqual({ absent: 'coverage was simulated at level 0.95 only' })
  expect(rate(rowsOf([3], 10))).toMatchObject({
    isReliable: false,
    coverage: { absent: expect.any(String) },
  })
})

test('differences of common rates are reliable over 8 questions, of rare ones over neither', () => {
  expect(coverageLikeDifference(8, 0.95, { a: 0.1, b: 0.45 })).toMatchObject({ isReliable: true })
  expect(coverageLikeDifference(8, 0.95, { a: 0.05, b: 0.2 })).toMatchObject({ isReliable: false })
  expect(coverageLikeDifference(30, 0.95, { a: 0.05, b: 0.2 })).toMatchObject({ isReliable: true })
  const rare = coverageLikeDifference(40, 0.95, { a: 0, b: 0.03 })
  // Nothing was simulated below rates of 2 and 10 %: the nearest stands for it.
  const lowest = Math.min(
    ...coverageOfDifference
      .filter(({ nQuestions, rateA }) => nQuestions === 30 && rateA === 0.02)
      .map(({ covered }) => covered),
  )
  expect(rare).toMatchObject({ lowest, isReliable: false })
})

test('a difference of scores has no simulated coverage', () => {
  const rows = (shift: number) =>
    Array.from({ length: 30 }, (_, i) => ({ question: `q${i}`, value: 40 + (i % 5) * shift }))
  expect(pairedDifference(rows(3), rows(1))).toMatchObject({
    isReliable: false,
    coverage: { absent: 'coverage was simulated for rates from 0 to 1 only' },
  })
})
