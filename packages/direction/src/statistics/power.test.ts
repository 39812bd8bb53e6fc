import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { minimumDetectableDifference, powerOfPairedDifference } from './power.ts'

test.each(golden.power.power)(
  'power at $nQuestions questions, effect $effect agrees with statsmodels',
  ({ nQuestions, effect, power }) => {
    const design = { sdOfDifferences: 0.2, nQuestions, difference: 0.2 * effect }
    expect(powerOfPairedDifference(design)).toBeCloseTo(power, 7)
  },
)

test.each(golden.power.minimum)(
  'the detectable effect at $nQuestions questions, power $power agrees with statsmodels',
  ({ nQuestions, power, effect }) => {
    const result = minimumDetectableDifference({ sdOfDifferences: 0.2, nQuestions, power })
    expect(result.difference).toBeCloseTo(0.2 * effect, 6)
  },
)

test('no difference is found at the error rate', () => {
  const power = powerOfPairedDifference({ sdOfDifferences: 1, nQuestions: 8, difference: 0 })
  expect(power).toBeCloseTo(0.05, 9)
})

test('one question detects nothing: a labelled absence', () => {
  for (const nQuestions of [0, 1]) {
    const design = { sdOfDifferences: 1, nQuestions }
    expect(minimumDetectableDifference(design).difference).toEqual({ absent: expect.any(String) })
    expect(powerOfPairedDifference({ ...design, difference: 1 })).toEqual({
      absent: expect.any(String),
    })
  }
})

test('impossible designs are refused', () => {
  const design = { sdOfDifferences: 1, nQuestions: 8 }
  expect(() => minimumDetectableDifference({ ...design, sdOfDifferences: 0 })).toThrow(
    'sdOfDifferences is 0',
  )
  expect(() => minimumDetectableDifference({ ...design, nQuestions: 7.5 })).toThrow(
    'nQuestions is 7.5',
  )
  expect(() => minimumDetectableDifference({ ...design, power: 0.04 })).toThrow('power - alpha')
  expect(() => minimumDetectableDifference({ ...design, power: 1 })).toThrow('power is 1')
})
