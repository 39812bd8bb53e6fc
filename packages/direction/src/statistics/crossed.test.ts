import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { crossedDifference } from './crossed-difference.ts'
import { crossedMean } from './crossed-mean.ts'
import { meanByQuestion } from './mean-by-question.ts'

type Cells = readonly (readonly [question: number, seed: number, value: number])[]
const rowsOf = (cells: Cells) =>
  cells.map(([question, seed, value]) => ({ question: `q${question}`, seed, value }))

test.each(golden.crossed)(
  'two-way clustered variance agrees with statsmodels, case %#',
  (expected) => {
    const result = crossedMean(rowsOf(expected.cells))
    expect(result.variances).toMatchObject({
      questions: expect.closeTo(expected.questions, 12),
      seeds: expect.closeTo(expected.seeds, 12),
    })
    expect(result).toMatchObject({
      estimate: expect.closeTo(expected.estimate, 12),
      degreesOfFreedom: expected.degreesOfFreedom,
      p: expect.closeTo(expected.p, 9),
      interval: {
        low: expect.closeTo(expected.interval[0], 9),
        high: expect.closeTo(expected.interval[1], 9),
      },
      scope: 'questions and training seeds',
    })
    const isTwoWay = expected.twoWay >= Math.max(expected.questions, expected.seeds)
    expect(result.varianceUsed === 'two-way').toBe(isTwoWay)
  },
)

test('a hand-worked two-way variance', () => {
  // Cells 0 1 / 2 5, mean 2, residuals -2 -1 / 0 3. Questions: sums -3, 3: 2 * 18 / 16 = 2.25. Seeds: -2, 2: 2 * 8 / 16 = 1.
  // Cells: 4 / 3 * 14 / 16 = 7 / 6. Two-way 25 / 12 is below 2.25, so the questions' variance stands.
  const result = crossedMean(
    rowsOf([
      [0, 0, 0],
      [0, 1, 1],
      [1, 0, 2],
      [1, 1, 5],
    ]),
  )
  expect(result).toMatchObject({
    estimate: 2,
    variances: { questions: 2.25, seeds: 1, cells: expect.closeTo(7 / 6, 12) },
    varianceUsed: 'questions',
    standardError: 1.5,
    degreesOfFreedom: 1,
  })
})

test('a two-way variance below zero gives way to the larger one-way variance', () => {
  // Residuals 1 -1 / -1 1: both margins are 0, the cells' variance is not, so V_q + V_s - V_qs < 0; a small tilt remains.
  const result = crossedMean(
    rowsOf([
      [0, 0, 1.01],
      [0, 1, -0.99],
      [1, 0, -1.01],
      [1, 1, 0.99],
    ]),
  )
  expect(result.varianceUsed).toBe('questions')
  // Sums +-0.02: 2 * 2 * 0.0004 / 16 = 0.0001.
  expect(result.standardError).toBeCloseTo(0.01, 12)
})

test('with one seed, or none named, the result is that over questions and is about these checkpoints only', () => {
  const rows = [3, 5, 9, 4].map((value, i) => ({ question: `q${i}`, value }))
  const { estimate, interval } = meanByQuestion(rows)
  for (const given of [rows, rows.map((row) => ({ ...row, seed: 7 }))]) {
    const result = crossedMean(given)
    expect(result).toMatchObject({
      estimate,
      nSeeds: 1,
      degreesOfFreedom: 3,
      scope: 'these checkpoints only',
    })
    if ('absent' in interval || 'absent' in result.interval) throw new Error('no interval')
    expect(result.interval.low).toBeCloseTo(interval.low, 12)
    expect(result.interval.high).toBeCloseTo(interval.high, 12)
  }
})

test('missing cells are counted, unscored rows too, and seed 0 and seed "0" are one', () => {
  const result = crossedMean([
    { question: 'a', seed: 0, value: 1 },
    { question: 'a', seed: '0', value: 3 },
    { question: 'a', seed: 1, value: 4 },
    { question: 'b', seed: 0, value: 5 },
    { question: 'b', seed: 1, value: null },
  ])
  expect(result).toMatchObject({
    nSeeds: 2,
    nCells: 3,
    nMissingCells: 1,
    nUnscored: 1,
    estimate: 11 / 3,
  })
})

test('one question, no rows and no spread are labelled absences', () => {
  const one = crossedMean(
    rowsOf([
      [0, 0, 1],
      [0, 1, 2],
    ]),
  )
  expect(one).toMatchObject({
    estimate: 1.5,
    interval: { absent: expect.stringContaining('one question') },
  })
  expect(crossedMean([])).toMatchObject({ estimate: { absent: 'no scored rows' } })
  const flat = crossedMean(
    rowsOf([
      [0, 0, 0.1],
      [0, 1, 0.1],
      [1, 0, 0.1],
      [1, 1, 0.1],
    ]),
  )
  expect(flat.t).toEqual({ absent: expect.stringContaining('no variance') })
})

test('rows that name a seed only here and there are refused', () => {
  const rows = [
    { question: 'a', seed: 1, value: 1 },
    { question: 'b', value: 1 },
  ]
  expect(() => crossedMean(rows)).toThrow('Row 1 names no seed, row 0 does.')
  expect(() => crossedMean(rows.toReversed())).toThrow('Row 1 names seed 1, row 0 names none.')
})

test('a difference pairs cells, lists the lone ones, and equals the mean of the differences', () => {
  const a = rowsOf([
    [0, 0, 5],
    [0, 1, 6],
    [1, 0, 7],
    [1, 1, 9],
    [2, 0, 1],
  ])
  const b = rowsOf([
    [0, 0, 1],
    [0, 1, 1],
    [1, 0, 1],
    [1, 1, 0],
    [3, 1, 1],
  ])
  const differences = crossedMean(
    rowsOf([
      [0, 0, 4],
      [0, 1, 5],
      [1, 0, 6],
      [1, 1, 9],
    ]),
  )
  const { nUnscored: _, ...statistics } = differences
  expect(crossedDifference(a, b)).toEqual({
    ...statistics,
    nUnscored: { a: 0, b: 0 },
    onlyInA: [{ question: 'q2', seed: '0' }],
    onlyInB: [{ question: 'q3', seed: '1' }],
  })
})
