import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { benjaminiHochberg } from './benjamini-hochberg.ts'
import { holm } from './holm.ts'

const named = (ps: readonly number[]) => ps.map((p, i) => ({ name: `test ${i}`, p }))

const round = (value: unknown) => Number((value as number).toFixed(12))

test.each([
  ['Benjamini-Hochberg', benjaminiHochberg, golden.families.benjaminiHochberg],
  ['Holm', holm, golden.families.holm],
] as const)('%s agrees with statsmodels in the order given', (_, adjust, expected) => {
  const { tests, familySize } = adjust(named(golden.families.p))
  expect(familySize).toBe(26)
  for (const [i, { adjusted }] of tests.entries())
    expect(adjusted).toBeCloseTo(expected[i] as number, 12)
})

test('hand-worked: 0.01, 0.02, 0.03, 0.5', () => {
  // BH: 0.04, 0.04, 0.04, 0.5. Holm: 0.04, 0.06, 0.06, 0.5.
  const ps = named([0.5, 0.01, 0.03, 0.02])
  expect(benjaminiHochberg(ps).tests.map((t) => round(t.adjusted))).toEqual([0.5, 0.04, 0.04, 0.04])
  expect(benjaminiHochberg(ps).tests.map((t) => t.isRejected)).toEqual([false, true, true, true])
  expect(holm(ps).tests.map((t) => round(t.adjusted))).toEqual([0.5, 0.04, 0.06, 0.06])
  expect(holm(ps).tests.map((t) => t.isRejected)).toEqual([false, true, false, false])
})

test('a test without a p counts in the family and is not rejected', () => {
  const tests = [
    { name: 'a', p: 0.02 },
    { name: 'b', p: { absent: 'one question' } },
    { name: 'c', p: { absent: 'one question' } },
  ]
  expect(holm(tests)).toMatchObject({
    familySize: 3,
    tests: [
      { adjusted: 0.06, isRejected: false },
      { adjusted: { absent: 'one question' }, isRejected: false },
      { isRejected: false },
    ],
  })
})

test('an empty family stays empty; bad p-values and repeated names are refused', () => {
  expect(holm([]).tests).toEqual([])
  expect(benjaminiHochberg([]).familySize).toBe(0)
  expect(() => holm([{ name: 'x', p: 1.1 }])).toThrow('Test "x" has p 1.1')
  expect(() => holm([{ name: 'x', p: Number.NaN }])).toThrow('has p NaN')
  expect(() => benjaminiHochberg([...named([0.1]), ...named([0.2])])).toThrow('in the family twice')
  expect(() => holm([], { alpha: 5 })).toThrow('alpha is 5')
})
