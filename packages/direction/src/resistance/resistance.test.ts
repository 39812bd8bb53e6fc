import { randomSource } from '@cem/core'
import { expect, test } from 'vitest'
import { resistance } from './resistance.ts'
import { resistanceDifference } from './resistance-difference.ts'

type Curves = Record<string, readonly (number | null)[]>
const rowsOf = (steps: readonly number[], curves: Curves) =>
  Object.entries(curves).flatMap(([question, values]) =>
    values.map((value, i) => ({ question, step: steps[i] as number, value })),
  )
const steps = [0, 10, 20, 30]
const options = { seed: 1, nResamples: 400 }

test('measures are of the mean curve, each question counting once, and nulls are counted', () => {
  const rows = rowsOf(steps, { a: [0, 2, 4, 6], b: [0, 4, 8, 12] })
  // A second answer of a at step 30 and one without a value: the mean of a stays 6.
  const more = [
    ...rows,
    { question: 'a', step: 30, value: 6 },
    { question: 'b', step: 0, value: null },
  ]
  const result = resistance(more, options)
  expect(result.points).toEqual([
    { step: 0, value: 0 },
    { step: 10, value: 3 },
    { step: 20, value: 6 },
    { step: 30, value: 9 },
  ])
  expect(result.measures).toMatchObject({
    area: { estimate: expect.closeTo(4.5, 12) },
    slope: { estimate: expect.closeTo(0.3, 12) },
    rise: { estimate: 9 },
    halfRiseStep: { estimate: 15 },
    saturation: { estimate: expect.closeTo(0, 12) },
  })
  expect(result).toMatchObject({
    nQuestions: 2,
    nRows: 10,
    nUnscored: 1,
    incompleteQuestions: [],
    seed: 1,
    warnings: [expect.stringContaining('approximate: 2 questions')],
  })
  // Resamples of two questions hold a twice, b twice, or both: the rise is 6, 9 or 12.
  expect(result.measures.rise.interval).toMatchObject({ low: 6, high: 12 })
})

test('the interval of the rise approaches the normal one with many questions', () => {
  const source = randomSource('resistance-test')
  const curves: Curves = {}
  for (let q = 0; q < 60; q++) curves[`q${q}`] = [0, 5 + 2 * source.normal()]
  const { measures, warnings } = resistance(rowsOf([0, 100], curves), {
    ...options,
    nResamples: 2000,
  })
  const values = Object.values(curves).map(([, last]) => last as number)
  const mean = values.reduce((a, b) => a + b) / 60
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 60)
  if ('absent' in measures.rise.interval) throw new Error('no interval')
  expect(measures.rise.estimate).toBeCloseTo(mean, 12)
  // Half a width of 1.96 sd / sqrt 60, within a fifth.
  const half = (measures.rise.interval.high - measures.rise.interval.low) / 2
  expect(half / ((1.96 * sd) / Math.sqrt(60))).toBeGreaterThan(0.8)
  expect(half / ((1.96 * sd) / Math.sqrt(60))).toBeLessThan(1.2)
  expect(warnings).toEqual([])
})

test('questions that miss a step are left out by name', () => {
  const result = resistance(
    rowsOf(steps, { a: [0, 1, 2, 3], b: [0, null, 2, 3], c: [0, 1] }),
    options,
  )
  expect(result.incompleteQuestions).toEqual(['b', 'c'])
  expect(result).toMatchObject({ nQuestions: 1, nRows: 10, nUnscored: 1 })
  expect(result.measures.area.interval).toMatchObject({
    absent: expect.stringContaining('one question'),
  })
})

test('no rows, one step, no complete question, a falling curve and two steps are absences that say why', () => {
  const whyOf = (rows: ReturnType<typeof rowsOf>, name: 'area' | 'saturation' | 'halfRiseStep') =>
    resistance(rows, options).measures[name].estimate
  expect(whyOf([], 'area')).toEqual({ absent: 'a curve needs at least 2 steps, there are 0' })
  expect(whyOf(rowsOf([5], { a: [1], b: [2] }), 'area')).toEqual({
    absent: 'a curve needs at least 2 steps, there are 1',
  })
  expect(whyOf(rowsOf([5, 6], { a: [1], b: [null, 2] }), 'area')).toEqual({
    absent: 'no question has scored rows at every step',
  })
  expect(whyOf(rowsOf([0, 1, 2], { a: [3, 2, 1] }), 'halfRiseStep')).toEqual({
    absent: 'the curve does not rise',
  })
  expect(whyOf(rowsOf([0, 1], { a: [1, 2] }), 'saturation')).toEqual({
    absent: 'saturation needs at least 3 steps, there are 2',
  })
})

test('training seeds are pooled, with a warning', () => {
  const rows = rowsOf([0, 1], { a: [0, 1], b: [0, 2] })
  const seeded = [...rows, ...rows].map((row, i) => ({ ...row, seed: i < rows.length ? 0 : 1 }))
  const warning = expect.stringContaining('2 training seeds are pooled')
  expect(resistance(seeded, options).warnings).toContainEqual(warning)
  const both = resistanceDifference({ variant: seeded, baseline: rows, ...options })
  expect(both.warnings).toContainEqual(warning)
  expect(resistance(rows, options).warnings).not.toContainEqual(warning)
})

test('bad rows and options are refused', () => {
  const row = { question: 'a', step: 0, value: 1 }
  expect(() => resistance([{ ...row, step: Number.NaN }], options)).toThrow('Row 0 has step NaN')
  expect(() => resistance([{ ...row, question: '' }], options)).toThrow('Row 0 has question')
  expect(() => resistance([{ ...row, value: Number.NaN }], options)).toThrow('Row 0 has value')
  expect(() => resistance([row], { ...options, nResamples: 1 })).toThrow('nResamples is 1')
})

test('the difference to the baseline is paired by question, with a delay and the paired tests', () => {
  // The baseline rises by 8, 10 and 12, the variant half as fast; baseline: half of 10 at step 15; the variant reaches 5 at 30.
  const baseline = rowsOf(steps, {
    a: [0, 8 / 3, 16 / 3, 8],
    b: [0, 10 / 3, 20 / 3, 10],
    c: [0, 4, 8, 12],
  })
  const variant = baseline.map((row) => ({ ...row, value: (row.value as number) / 2 }))
  const result = resistanceDifference({ variant, baseline, ...options })
  expect(result.differences).toMatchObject({
    area: { estimate: expect.closeTo(-2.5, 12) },
    slope: { estimate: expect.closeTo(-1 / 6, 12) },
    rise: { estimate: expect.closeTo(-5, 12) },
    halfRiseStep: { estimate: expect.closeTo(0, 12) },
    saturation: { estimate: expect.closeTo(0, 12) },
  })
  expect(result.delay.estimate).toBeCloseTo(15, 12)
  // Differences of area -2, -2.5, -3: sd 0.5, t = -2.5 / (0.5 / sqrt 3).
  expect(result.tests.area.estimate).toBeCloseTo(-2.5, 12)
  expect(result.tests.area.t).toBeCloseTo(-2.5 / (0.5 / Math.sqrt(3)), 9)
  expect(result.tests.slope).toMatchObject({
    nQuestions: 3,
    signFlip: { smallestAttainableP: 0.25 },
  })
  expect(result).toMatchObject({ steps, stepsOfOne: [], nQuestions: 3, questionsLeftOut: [] })
})

test('only shared steps and questions are compared, and the others are named', () => {
  const variant = rowsOf([0, 10, 20], { a: [0, 1, 2], b: [0, 1, 2], c: [0, null, 2] })
  const baseline = rowsOf([0, 10, 30], { a: [0, 2, 9], c: [0, 2, 9], d: [0, 2, 9] })
  const result = resistanceDifference({ variant, baseline, ...options })
  expect(result).toMatchObject({
    steps: [0, 10],
    stepsOfOne: [20, 30],
    nQuestions: 1,
    questionsLeftOut: ['b', 'c', 'd'],
    nUnscored: { variant: 1, baseline: 0 },
  })
  expect(result.differences.rise.estimate).toBe(-1)
  expect(result.differences.saturation.estimate).toMatchObject({
    absent: expect.stringContaining('3 steps'),
  })
})

test('a variant that never reaches half of the baseline has no delay; nothing shared has no difference', () => {
  const baseline = rowsOf(steps, { a: [0, 3, 6, 9], b: [0, 3, 6, 9] })
  const variant = rowsOf(steps, { a: [0, 0, 1, 1], b: [0, 0, 1, 1] })
  expect(resistanceDifference({ variant, baseline, ...options }).delay.estimate).toEqual({
    absent: 'the baseline does not rise, or the variant never reaches half of its rise',
  })
  const apart = resistanceDifference({ variant: rowsOf([1], { z: [1] }), baseline, ...options })
  expect(apart.differences.area.estimate).toEqual({
    absent: 'a curve needs at least 2 steps, there are 0',
  })
  expect(apart.tests.area.estimate).toMatchObject({ absent: expect.any(String) })
  expect(apart.questionsLeftOut).toEqual(['z', 'a', 'b'])
})
