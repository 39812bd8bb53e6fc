import { expect, test } from 'vitest'
import { type Golden, golden } from '../../golden/golden.ts'
import {
  chiSquareQuantile,
  noncentralStudentCdf,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
  studentTwoSidedP,
} from './distributions.ts'

const functions: Record<keyof Golden['distributions'], (...given: number[]) => number> = {
  studentTwoSidedP: (t = 0, df = 0) => studentTwoSidedP(t, df),
  studentCdf: (t = 0, df = 0) => studentCdf(t, df),
  studentQuantile: (p = 0, df = 0) => studentQuantile(p, df),
  normalCdf: (x = 0) => normalCdf(x),
  normalQuantile: (p = 0) => normalQuantile(p),
  noncentralStudentCdf: (t = 0, df = 0, c = 0) => noncentralStudentCdf(t, df, c),
}

test.each(Object.keys(functions) as (keyof Golden['distributions'])[])(
  '%s agrees with scipy within 1e-7 relative, also in the tails',
  (name) => {
    for (const row of golden.distributions[name]) {
      const given = row.slice(0, -1)
      const expected = row.at(-1) as number
      const value = functions[name](...given)
      // Where scipy's value underflows to 0, so must ours.
      const drift = expected === 0 ? value : Math.abs(value - expected) / Math.abs(expected)
      expect(drift, `${name}(${given.join(', ')}) = ${value}`).toBeLessThan(1e-7)
    }
  },
)

test('quantiles at the middle are 0 and are odd around it', () => {
  expect(studentQuantile(0.5, 7)).toBe(0)
  expect(normalQuantile(0.5)).toBeCloseTo(0, 12)
  expect(studentQuantile(0.25, 7)).toBe(-studentQuantile(0.75, 7))
})

test.each(golden.scale.chiSquareQuantile)(
  'the chi-square quantile of %d at %d degrees of freedom agrees with scipy',
  (p = 0, degreesOfFreedom = 0, expected = 0) => {
    expect(chiSquareQuantile(p, degreesOfFreedom) / expected).toBeCloseTo(1, 7)
  },
)
