import { expect, test } from 'vitest'
import { nullBand } from './null-band.ts'

test('a hand-counted band: of draws -2 to 2 two are as far from 0 as 1.5', () => {
  const band = nullBand(1.5, Float64Array.of(-2, -1, 0, 1, 2), { level: 0.5 })
  expect(band).toEqual({
    observed: 1.5,
    mean: 0,
    sd: Math.sqrt(2.5),
    low: -1,
    high: 1,
    level: 0.5,
    p: 3 / 6,
    smallestAttainableP: 1 / 6,
    nDraws: 5,
  })
})

test('the upper tail counts large draws alone, and ties count as reached', () => {
  const draws = Float64Array.of(-9, 0, 1, 2)
  expect(nullBand(2, draws, { tail: 'upper' }).p).toBe(2 / 5)
  expect(nullBand(2, draws).p).toBe(3 / 5)
  expect(nullBand(3, draws, { tail: 'upper' }).p).toBe(1 / 5)
  expect(nullBand(2, draws, { tail: 'upper', level: 1 / 3 })).toMatchObject({ low: -9, high: 0 })
  expect(() => nullBand(1, draws, { level: 1 })).toThrow('level is 1')
  expect(() => nullBand(1, Float64Array.of(1))).toThrow('at least 2 draws, there are 1')
  expect(() => nullBand(1, Float64Array.of(1, Number.NaN))).toThrow('Draw 1 is NaN')
  expect(() => nullBand(Number.NaN, draws)).toThrow('The observed number is NaN')
})
