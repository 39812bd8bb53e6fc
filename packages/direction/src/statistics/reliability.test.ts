import { expect, test } from 'vitest'
import { golden, type JackknifeCase } from '../../golden/golden.ts'
import { agreement } from './agreement.ts'
import { cohenKappa } from './cohen-kappa.ts'
import { krippendorffAlpha } from './krippendorff-alpha.ts'
import { midRanks } from './mid-ranks.ts'
import { spearman } from './spearman.ts'
import { testRetest } from './test-retest.ts'

const { a, b, questions, ...expected } = golden.twoJudges
const columns = { a, b, questions }
const weights = ['none', 'linear', 'quadratic'] as const
const measurements = ['nominal', 'ordinal', 'interval'] as const

const near = ({ estimate, interval: [low, high] }: JackknifeCase) => ({
  estimate: expect.closeTo(estimate, 10),
  interval: { low: expect.closeTo(low, 9), high: expect.closeTo(high, 9) },
  n: 54,
  nLeftOut: 0,
  nQuestions: 9,
})

test("Spearman's correlation and its interval over questions agree with scipy", () => {
  expect(spearman(columns)).toMatchObject(near(expected.spearman))
})

test.each(weights)('kappa with weights %s and its interval agree with statsmodels', (kind) => {
  expect(cohenKappa(columns, { weights: kind })).toMatchObject(near(expected.kappa[kind]))
})

test.each(measurements)('%s alpha and its interval agree with krippendorff', (measurement) => {
  expect(krippendorffAlpha({ columns: [a, b], questions }, { measurement })).toMatchObject(
    near(expected.alpha[measurement]),
  )
})

test.each(measurements)(
  '%s alpha with missing cells agrees with krippendorff, also on his own example',
  (measurement) => {
    for (const table of golden.tables) {
      const { estimate } = krippendorffAlpha({ columns: table.columns }, { measurement })
      expect(estimate).toBeCloseTo(table[measurement], 12)
    }
  },
)

test('a row with one rating is left out and counted', () => {
  const [own] = golden.tables
  // Of Krippendorff's twelve units the last was rated by one judge alone.
  const result = krippendorffAlpha({ columns: own?.columns ?? [] }, { measurement: 'nominal' })
  expect(result).toMatchObject({ n: 11, nLeftOut: 1, nQuestions: 11 })
})

test('equal values share the mean of their ranks', () => {
  expect(midRanks([30, 10, 30, 20, 30])).toEqual([4, 1, 4, 2, 4])
  expect(midRanks([])).toEqual([])
})

test('hand-worked kappa: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no', () => {
  const pairs = [
    ['yes', 'yes', 20],
    ['yes', 'no', 5],
    ['no', 'yes', 10],
    ['no', 'no', 15],
  ] as const
  const flat = pairs.flatMap(([x, y, n]) => Array.from({ length: n }, () => [x, y] as const))
  // Observed 35 / 50 = 0.7; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
  const both = { a: flat.map(([x]) => x), b: flat.map(([, y]) => y) }
  expect(cohenKappa(both).estimate).toBeCloseTo(0.4, 12)
  expect(agreement(both)).toMatchObject({ estimate: 0.7, n: 50, nLeftOut: 0 })
})

test('disagreements are listed by row, the widest first', () => {
  const result = agreement(
    { a: [10, 50, null, 90, 20], b: [12, 80, 5, 30, 20], questions: ['x', 'x', 'y', 'y', 'z'] },
    { tolerance: 5 },
  )
  expect(result).toMatchObject({ estimate: 0.5, n: 4, nLeftOut: 1, disagreements: [3, 1] })
})

test('labels that nobody varies have agreement but no kappa, alpha or correlation', () => {
  const same = { a: [1, 1, 1, 1], b: [1, 1, 1, 1] }
  expect(agreement(same).estimate).toBe(1)
  const none = { absent: 'undefined for these rows' }
  expect(cohenKappa(same).estimate).toEqual(none)
  expect(spearman(same).estimate).toEqual(none)
  expect(
    krippendorffAlpha({ columns: [same.a, same.b] }, { measurement: 'ordinal' }).estimate,
  ).toEqual(none)
})

test('empty columns are labelled absences', () => {
  const empty = { a: [], b: [] }
  expect(spearman(empty)).toMatchObject({ n: 0, estimate: { absent: 'no rows' } })
  expect(cohenKappa(empty).estimate).toEqual({ absent: 'no rows' })
  expect(agreement(empty).estimate).toEqual({ absent: 'no scored rows' })
  expect(testRetest({ a: [null], b: [3] })).toMatchObject({
    drift: { estimate: { absent: expect.any(String) } },
    standardErrorOfMeasurement: {
      absent: 'it needs at least 2 rows with both scores, there are 0',
    },
  })
})

test('a judge that drifts by 2 keeps its ranks, and its flips are listed', () => {
  const result = testRetest(
    {
      a: [10, 29, 40, 90, 55, null],
      b: [12, 31, 42, 92, 57, 3],
      questions: ['x', 'x', 'y', 'y', 'z', 'z'],
    },
    { threshold: 30 },
  )
  expect(result).toMatchObject({
    drift: { estimate: 2, p: { absent: expect.stringContaining('equal') } },
    standardErrorOfMeasurement: 0,
    identical: { estimate: 0, n: 5 },
    sameSide: { estimate: 0.8, disagreements: [1], nLeftOut: 1 },
    spearman: { estimate: expect.closeTo(1, 12) },
  })
  // 1 - D_o / D_e: D_o = 4; all ten scores have the sum 458 and squares 28,248, so D_e = 2 (28,248 - 458^2 / 10) / 9.
  expect(result.alpha.estimate).toBeCloseTo(1 - 4 / ((2 * (28_248 - 458 ** 2 / 10)) / 9), 12)
  expect(testRetest({ a: [1, 2], b: [1, 3] }).sameSide).toEqual({ absent: 'no threshold given' })
})

test('hand-worked: the error of one score is the sd of the differences over root 2', () => {
  // Differences 1, -1, 3, 1: mean 1, squares 0 + 4 + 4 + 0, sd sqrt(8 / 3).
  const { standardErrorOfMeasurement } = testRetest({ a: [5, 5, 5, 5], b: [6, 4, 8, 6] })
  expect(standardErrorOfMeasurement).toBeCloseTo(Math.sqrt(8 / 3 / 2), 12)
})

test('hostile columns are refused by column and row', () => {
  expect(() => spearman({ a: [1, 2], b: [1] })).toThrow('The columns have 2, 1 rows')
  expect(() => spearman({ a: [1, Number.NaN], b: [1, 2] })).toThrow('Column 0, row 1 is NaN')
  expect(() => cohenKappa({ a: ['x'], b: [''] })).toThrow('Column 1, row 0 is ""')
  expect(() => cohenKappa({ a: ['x'], b: ['y'] }, { weights: 'linear' })).toThrow('needs numbers')
  expect(() => agreement({ a: ['x'], b: [1] })).toThrow('give texts or numbers for both')
  expect(() => agreement({ a: [1], b: [1] }, { tolerance: -1 })).toThrow('tolerance is -1')
  expect(() => agreement({ a: [1], b: [1], questions: [''] })).toThrow('Row 0 has no question')
  expect(() => krippendorffAlpha({ columns: [[1]] }, { measurement: 'nominal' })).toThrow(
    'at least two columns; given: 1',
  )
  expect(() => krippendorffAlpha({ columns: [['x'], ['y']] }, { measurement: 'ordinal' })).toThrow(
    'ordinal alpha needs numbers',
  )
  expect(() => testRetest({ a: [1], b: [1] }, { threshold: Number.NaN })).toThrow(
    'threshold is NaN',
  )
})

test('labels named like properties of objects are labels', () => {
  const odd = { a: ['__proto__', 'constructor', '__proto__'], b: ['__proto__', 'constructor', 'x'] }
  expect(agreement(odd).estimate).toBeCloseTo(2 / 3, 12)
  expect(krippendorffAlpha({ columns: [odd.a, odd.b] }, { measurement: 'nominal' }).n).toBe(3)
})
