import { expect, test } from 'vitest'
import { goldenDirections } from '../../golden/directions.ts'
import { crossingStep, measureCurve } from './curve-measures.ts'

test('the measures of a curve agree with numpy and scipy', () => {
  const { steps, values, ...expected } = goldenDirections.curve
  const measures = measureCurve({ steps, values })
  for (const [name, value] of Object.entries(expected))
    expect(measures[name as keyof typeof expected]).toBeCloseTo(value, 9)
})

test('a straight line has half its rise as area, its half-rise in the middle, and saturation 0', () => {
  const line = measureCurve({ steps: [0, 10, 30, 90], values: [2, 3, 5, 11] })
  expect(line).toEqual({
    area: expect.closeTo(4.5, 12),
    slope: expect.closeTo(0.1, 12),
    rise: 9,
    halfRiseStep: 45,
    saturation: expect.closeTo(0, 12),
  })
})

test('a curve with a flat end has saturation 1, one that gets steeper has less than 0', () => {
  // Rises to 6 at step 30 of 90 and stays; half at 15; area (90 + 360) / 90 = 5.
  const flat = measureCurve({ steps: [0, 30, 60, 90], values: [0, 6, 6, 6] })
  expect(flat).toMatchObject({ halfRiseStep: 15, saturation: 1, area: 5 })
  // The last third rises by 3 of 3: 1 - 3 = -2.
  const late = measureCurve({ steps: [0, 30, 60, 90], values: [0, 0, 0, 3] })
  expect(late).toMatchObject({ halfRiseStep: 75, saturation: -2 })
})

test('a curve that does not rise has no half-rise and no saturation; two steps have no saturation', () => {
  expect(measureCurve({ steps: [0, 1, 2], values: [3, 4, 1] })).toMatchObject({
    rise: -2,
    halfRiseStep: Number.NaN,
    saturation: Number.NaN,
  })
  expect(measureCurve({ steps: [5, 15], values: [1, 3] })).toEqual({
    area: 1,
    slope: 0.2,
    rise: 2,
    halfRiseStep: 10,
    saturation: Number.NaN,
  })
})

test('a level is crossed the first time that it is reached', () => {
  const curve = { steps: [0, 10, 20, 30], values: [0, 4, 1, 9] }
  expect(crossingStep(curve, 2)).toBe(5)
  expect(crossingStep(curve, 4)).toBe(10)
  expect(crossingStep(curve, 5)).toBe(25)
  expect(crossingStep(curve, -1)).toBe(0)
  expect(crossingStep(curve, 10)).toBeNaN()
})
