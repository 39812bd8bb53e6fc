import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { rate } from './rate.ts'
import type { StatisticRow } from './rows.ts'

/** One row per answer, the first `ones` of each question with value 1. */
const rowsOf = (ones: readonly number[], sizes: readonly number[]): StatisticRow[] =>
  ones.flatMap((n, question) =>
    Array.from({ length: sizes[question] ?? 0 }, (_, i) => ({
      question: `q${question}`,
      value: i < n ? 1 : 0,
    })),
  )
const equal = (ones: readonly number[], size: number) =>
  rowsOf(
    ones,
    ones.map(() => size),
  )

test.each(golden.rate)(
  'estimate, design effect and bounds agree with statsmodels, case %#',
  ({ ones, sizes, ...expected }) => {
    const rows = rowsOf(ones, sizes)
    const result = rate(rows)
    expect(result.estimate).toBeCloseTo(expected.estimate, 12)
    expect(result.estimatedDesignEffect).toBeCloseTo(expected.estimatedDesignEffect, 9)
    expect(result.designEffect).toBeCloseTo(expected.designEffect, 9)
    expect(result.nEffective).toBeCloseTo(rows.length / expected.designEffect, 6)
    expect(result.interval).toMatchObject({
      low: expect.closeTo(expected.interval[0], 9),
      high: expect.closeTo(expected.interval[1], 9),
      level: 0.95,
      method: `Wilson on effective n, t(${ones.length - 1})`,
    })
    expect(rate(rows, { priorDegreesOfFreedom: 0 }).interval).toMatchObject({
      low: expect.closeTo(expected.intervalWithoutPrior[0], 9),
      high: expect.closeTo(expected.intervalWithoutPrior[1], 9),
    })
  },
)

test('a design effect below 1 is reported, and 1 is used', () => {
  // Exactly 5 of 10 in every question: nothing varies between questions, so V_cluster is 0.
  const result = rate(equal([5, 5, 5, 5], 10), { priorIcc: 0 })
  expect(result).toMatchObject({ estimatedDesignEffect: 0, designEffect: 1, nEffective: 40 })
})

test('no success at all has an interval that is not wider than that of one success', () => {
  const none = rate(equal([0, 0, 0, 0, 0, 0, 0, 0], 50))
  const one = rate(equal([1, 0, 0, 0, 0, 0, 0, 0], 50))
  // Prior 1 + 49 * 0.3 = 15.7 against 1 with seven degrees of freedom: 22.7 / 8.
  expect(none.designEffect).toBeCloseTo(22.7 / 8, 12)
  expect(none).toMatchObject({
    estimate: 0,
    estimatedDesignEffect: { absent: 'every row is 0: no variance to compare' },
    interval: { low: 0 },
  })
  // With share 0 Wilson's upper bound is c^2 / (n + c^2), c = t(0.975, 7) = 2.364624.
  expect(none.interval).toMatchObject({
    high: expect.closeTo(5.591448 / (3200 / 22.7 + 5.591448), 6),
  })
  expect(one.estimatedDesignEffect).toBeCloseTo(1, 2)
  const highOf = (result: typeof one) =>
    'high' in result.interval ? result.interval.high : Number.NaN
  expect(highOf(one)).toBeGreaterThan(highOf(none))
})

test('all successes mirror no successes', () => {
  const all = rate(equal([9, 9, 9], 9))
  const none = rate(equal([0, 0, 0], 9))
  if ('absent' in all.interval || 'absent' in none.interval) throw new Error('no interval')
  expect(all.estimate).toBe(1)
  expect(all.interval.high).toBe(1)
  expect(all.interval.low).toBeCloseTo(1 - none.interval.high, 12)
})

test('one question and no rows are labelled absences, not zeros', () => {
  expect(rate(equal([3], 10))).toMatchObject({
    estimate: 0.3,
    nQuestions: 1,
    interval: { absent: expect.stringContaining('one question') },
    nEffective: { absent: expect.any(String) },
  })
  expect(rate([])).toMatchObject({ n: 0, estimate: { absent: 'no scored rows' } })
})

test('unscored rows are counted, and a question with nothing else is named', () => {
  const result = rate([
    ...equal([1, 2], 4),
    { question: 'q0', value: null },
    { question: 'refused', value: null },
  ])
  expect(result).toMatchObject({
    n: 8,
    nUnscored: 2,
    nQuestions: 2,
    questionsWithoutScores: ['refused'],
  })
})

test('few answers of the rarer kind and pooled seeds are warned about', () => {
  expect(rate(equal([1, 0, 0, 0], 50)).warnings).toEqual([expect.stringContaining('fewer than 5')])
  const seeded = equal([20, 25, 22, 18], 50).map((row, i) => ({ ...row, seed: i % 2 }))
  expect(rate(seeded).warnings).toEqual([expect.stringContaining('2 training seeds')])
  expect(rate(equal([20, 25, 22, 18], 50)).warnings).toEqual([])
})

test.each([0.5, -1, 2, Number.NaN, Number.POSITIVE_INFINITY])(
  'a value of %s is refused',
  (value) => {
    expect(() => rate([{ question: 'a', value }])).toThrow(/Row 0 has value/)
  },
)

test('hostile rows and options are refused by name', () => {
  const text = [{ question: 'a', value: '1' }] as unknown as StatisticRow[]
  expect(() => rate(text)).toThrow('Row 0 has value "1"')
  expect(() => rate([{ question: '', value: 1 }])).toThrow('Row 0 has question ""')
  expect(() => rate([], { level: 95 })).toThrow('level is 95')
  expect(() => rate([], { priorIcc: -0.1 })).toThrow('priorIcc is -0.1')
  expect(() => rate([], { priorDegreesOfFreedom: -1 })).toThrow('priorDegreesOfFreedom is -1')
})

test('a question named like a property of objects is a question', () => {
  const rows = ['__proto__', 'constructor'].flatMap((question) => [
    { question, value: 1 },
    { question, value: 0 },
  ])
  expect(rate(rows)).toMatchObject({ nQuestions: 2, estimate: 0.5 })
})
