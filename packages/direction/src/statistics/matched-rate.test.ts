import { expect, test } from 'vitest'
import { matchedRate } from './matched-rate.ts'

const point = (step: number, inDomainRate: number, emRate: number) => ({
  step,
  inDomainRate,
  emRate,
})

test('EM is interpolated between the checkpoints around the target, in any order of points', () => {
  const points = [point(40, 0.8, 0.5), point(0, 0, 0), point(20, 0.4, 0.1)]
  // A quarter of the way from 0.4 to 0.8: EM 0.1 + 0.1, step 20 + 5.
  const result = matchedRate(points, 0.5)
  expect(result.emRate).toBeCloseTo(0.2, 12)
  expect(result.step).toBeCloseTo(25, 12)
  expect(result).toMatchObject({ between: { before: 20, after: 40 }, nCrossings: 1 })
})

test('a checkpoint on the target is taken as it is', () => {
  expect(matchedRate([point(0, 0.1, 0.01), point(10, 0.5, 0.3)], 0.5)).toMatchObject({
    emRate: 0.3,
    step: 10,
    between: { before: 10, after: 10 },
  })
  expect(matchedRate([point(0, 0.5, 0.2)], 0.5)).toMatchObject({ emRate: 0.2, nCrossings: 1 })
})

test('the first of several crossings counts, and their number is told', () => {
  const points = [point(0, 0, 0), point(1, 0.6, 0.6), point(2, 0.2, 0.1), point(3, 0.9, 0.2)]
  const result = matchedRate(points, 0.3)
  expect(result.emRate).toBeCloseTo(0.3, 12)
  expect(result.nCrossings).toBe(3)
})

test('a target out of reach, one already passed, and no checkpoints are labelled absences', () => {
  expect(matchedRate([point(0, 0, 0), point(9, 0.3, 0.1)], 0.5)).toMatchObject({
    emRate: { absent: 'the in-domain rate never reaches the target 0.5; its highest is 0.3' },
    step: { absent: expect.any(String) },
    nCrossings: 0,
  })
  expect(matchedRate([point(10, 0.6, 0.2), point(20, 0.9, 0.4)], 0.5).emRate).toEqual({
    absent: 'the first checkpoint (step 10) is already at 0.6, above the target 0.5',
  })
  expect(matchedRate([], 0.5).emRate).toEqual({ absent: 'no checkpoints' })
})

test('percentages, repeated steps and NaN are refused', () => {
  expect(() => matchedRate([point(0, 40, 0)], 0.5)).toThrow('inDomainRate at step 0 is 40')
  expect(() => matchedRate([], 50)).toThrow('target is 50')
  expect(() => matchedRate([point(0, 0, 0), point(0, 1, 0)], 0.5)).toThrow('Step 0')
  expect(() => matchedRate([point(0, 0.1, Number.NaN)], 0.5)).toThrow('emRate at step 0 is NaN')
})
