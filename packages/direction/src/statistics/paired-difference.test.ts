import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { isAbsent } from '../absent.ts'
import { pairedDifference } from './paired-difference.ts'

const rowsOf = (values: readonly number[]) =>
  values.map((value, i) => ({ question: `q${i}`, value }))

/** Three questions x two seeds. */
const seededRows = (shift: number) =>
  ['q0', 'q1', 'q2'].flatMap((question, q) =>
    [0, 1].map((seed) => ({ question, seed, value: shift * (q + 1) + seed })),
  )

test.each(golden.paired)('t, p and interval agree with scipy, case %#', ({ a, b, ...expected }) => {
  const result = pairedDifference(rowsOf(a), rowsOf(b))
  expect(result).toMatchObject({
    nQuestions: a.length,
    degreesOfFreedom: a.length - 1,
    t: expect.closeTo(expected.t, 8),
    p: expect.closeTo(expected.p, 9),
    interval: {
      low: expect.closeTo(expected.interval[0], 9),
      high: expect.closeTo(expected.interval[1], 9),
    },
  })
})

test.each(golden.paired.filter((pair) => pair.signFlip !== undefined))(
  'the exact sign-flip p agrees with scipy over $a.length questions',
  ({ a, b, signFlip }) => {
    expect(pairedDifference(rowsOf(a), rowsOf(b)).signFlip).toMatchObject({
      p: expect.closeTo(signFlip as number, 12),
      method: 'exact',
    })
  },
)

test('over 30 questions the sign-flip p is near that of t', () => {
  const pair = golden.paired.find(({ a }) => a.length === 30)
  if (pair === undefined) throw new Error('no golden pair of 30 questions')
  const { signFlip, p } = pairedDifference(rowsOf(pair.a), rowsOf(pair.b))
  if (isAbsent(signFlip) || isAbsent(p)) throw new Error('no p')
  expect(signFlip.method).toBe('Monte Carlo')
  // The two tests differ by some thousandths here; four Monte Carlo standard errors at 0.06 are 0.0095.
  expect(Math.abs(signFlip.p - p)).toBeLessThan(0.015)
})

test('the sign is a - b, and questions pair by name, not by place', () => {
  const result = pairedDifference(
    [
      { question: 'x', value: 1 },
      { question: 'y', value: 0.5 },
    ],
    [
      { question: 'y', value: 0.25 },
      { question: 'x', value: 0 },
    ],
  )
  expect(result.differences).toEqual([
    { question: 'x', difference: 1 },
    { question: 'y', difference: 0.25 },
  ])
  expect(result.estimate).toBe(0.625)
})

test('questions of one side and questions without scores are listed', () => {
  const result = pairedDifference(
    [...rowsOf([1, 2, 4]), { question: 'a', value: 1 }, { question: 'none', value: null }],
    [...rowsOf([0, 0, 0]), { question: 'b', value: 1 }, { question: 'a', value: null }],
  )
  expect(result).toMatchObject({
    nQuestions: 3,
    onlyInA: ['a'],
    onlyInB: ['b'],
    questionsWithoutScores: ['none'],
    nUnscored: { a: 1, b: 1 },
  })
})

test('no shared question, one, and equal differences are labelled absences', () => {
  expect(pairedDifference(rowsOf([1]), [{ question: 'other', value: 1 }])).toMatchObject({
    estimate: { absent: 'no question has scored rows on both sides' },
    t: { absent: expect.any(String) },
    signFlip: { absent: expect.any(String) },
  })
  expect(pairedDifference([], [])).toMatchObject({
    nQuestions: 0,
    estimate: { absent: expect.any(String) },
  })
  expect(pairedDifference(rowsOf([1]), rowsOf([0]))).toMatchObject({
    estimate: 1,
    p: { absent: 't needs at least 2 shared questions, there are 1' },
    interval: { absent: expect.any(String) },
    signFlip: { p: 1, smallestAttainableP: 1 },
  })
  // 0.3 - 0.1 and 0.4 - 0.2 differ in the last bit: no spread, not a t of 1e16.
  const equal = pairedDifference(rowsOf([0.3, 0.4, 0.3]), rowsOf([0.1, 0.2, 0.1]))
  expect(equal.p).toEqual({ absent: expect.stringContaining('all per-question differences') })
  expect(equal.signFlip).toMatchObject({ p: 0.25 })
})

test('one question x seed at a time would be false precision: seeds are averaged, and the scope says so', () => {
  expect(pairedDifference(seededRows(2), seededRows(1))).toMatchObject({
    degreesOfFreedom: 2,
    estimate: 2,
    scope: 'these checkpoints only',
  })
})

test('bad options are refused', () => {
  expect(() => pairedDifference([], [], { nRandomPatterns: 10 })).toThrow('nRandomPatterns is 10')
  expect(() => pairedDifference([], [], { level: 0 })).toThrow('level is 0')
})
