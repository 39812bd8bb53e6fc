import { expect, test } from 'vitest'
import { signFlip } from './sign-flip.ts'

const options = { seed: 1, nRandomPatterns: 9999 }

test('a hand-counted case: of the 8 patterns of 1, 2, 3 four reach the sum of +1 -2 -3', () => {
  // |sums|: 6, 0, 2, 4 and their mirror images; observed |1 - 2 - 3| = 4, reached by 6 and 4 twice each.
  expect(signFlip([1, -2, -3], options)).toEqual({
    p: 0.5,
    smallestAttainableP: 0.25,
    method: 'exact',
    nPatterns: 8,
  })
})

test('eight differences of one sign give 2 / 256, the smallest that eight can give', () => {
  const result = signFlip([1, 2, 3, 4, 5, 6, 7, 8], options)
  expect(result.p).toBe(2 / 256)
  expect(result.smallestAttainableP).toBe(2 / 256)
})

test('ties that rounding would break count as reached', () => {
  // 0.1 + 0.2 and 0.3 differ in their last bit; all patterns with |sum| 0.6 count, and those with 0.
  expect(signFlip([0.1, 0.2, -0.3], options).p).toBe(1)
  expect(signFlip([0.1, 0.2, 0.3], options).p).toBe(2 / 8)
})

test('differences of zero raise the smallest attainable p', () => {
  expect(signFlip([0, 0, 0, 1, 1], options)).toMatchObject({ p: 0.5, smallestAttainableP: 0.5 })
  expect(signFlip([0, 0], options)).toMatchObject({ p: 1, smallestAttainableP: 1 })
})

test('twenty differences are counted exactly', () => {
  const result = signFlip(
    Array.from({ length: 20 }, () => 1),
    options,
  )
  expect(result).toMatchObject({ p: 2 / 2 ** 20, method: 'exact', nPatterns: 2 ** 20 })
})

test('above twenty the p is Monte Carlo, near the exact one, never 0, and repeats with its seed', () => {
  // 21 equal differences, 14 up and 7 down: P(|sum| >= 7) = 2 P(Binomial(21, 1/2) >= 14) = 0.189245.
  const differences = Array.from({ length: 21 }, (_, i) => (i < 14 ? 1 : -1))
  const result = signFlip(differences, options)
  // Five standard errors of a share 0.19 of 9999.
  expect(Math.abs(result.p - 0.189245)).toBeLessThan(0.0196)
  expect(result.method).toBe('Monte Carlo')
  expect(signFlip(differences, options)).toEqual(result)
  expect(signFlip(differences, { ...options, seed: 2 }).p).not.toBe(result.p)
  const extreme = signFlip(
    Array.from({ length: 40 }, () => 1),
    options,
  )
  expect(extreme).toMatchObject({ p: 1 / 10_000, smallestAttainableP: 1 / 10_000 })
})
