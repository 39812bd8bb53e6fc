import { expect, test } from 'vitest'
import { goldenDirections } from '../../golden/directions.ts'
import { auroc } from './auroc.ts'

const of = (without: readonly number[], withEm: readonly number[]) =>
  auroc(Float64Array.from(without), Float64Array.from(withEm))

test.each(goldenDirections.auroc)(
  'AUROC and interval agree with all pairs counted in numpy',
  (given) => {
    const result = of(given.without, given.with)
    expect(result.estimate).toBeCloseTo(given.estimate, 12)
    expect(result.standardError).toBeCloseTo(given.standardError, 12)
    expect(result.interval).toMatchObject({
      low: expect.closeTo(given.interval[0], 9),
      high: expect.closeTo(given.interval[1], 9),
    })
  },
)

test('a hand-counted case: of 6 pairs 4 are ordered and 1 is a tie', () => {
  // with 2, 3 against without 0, 2, 4: 2 > 0, 2 = 2, 2 < 4, 3 > 0, 3 > 2, 3 < 4.
  expect(of([0, 2, 4], [2, 3]).estimate).toBeCloseTo(3.5 / 6, 12)
})

test('turning the scores around turns the area around', () => {
  const given = goldenDirections.auroc[0] as (typeof goldenDirections.auroc)[0]
  const turned = of(
    given.without.map((v) => -v),
    given.with.map((v) => -v),
  )
  expect(turned.estimate).toBeCloseTo(1 - given.estimate, 12)
  expect(turned.standardError).toBeCloseTo(given.standardError, 12)
})

test('perfect separation, equal scores, one row and none have no interval, and say why', () => {
  expect(of([0, 1], [2, 3])).toMatchObject({
    estimate: 1,
    interval: { absent: 'the sides do not overlap: no variance to estimate' },
  })
  expect(of([2, 3], [0, 1])).toMatchObject({
    estimate: 0,
    standardError: { absent: expect.any(String) },
  })
  expect(of([1, 1], [1, 1])).toMatchObject({
    estimate: 0.5,
    interval: { absent: 'all scores are equal: no variance to estimate' },
  })
  expect(of([0], [1, 2])).toMatchObject({
    estimate: 1,
    interval: { absent: expect.stringContaining('one row on a side') },
  })
  expect(of([], [1]).estimate).toEqual({
    absent: '1 rows with and 0 without: both are needed',
  })
  expect(() => auroc(Float64Array.of(1), Float64Array.of(2), { level: 95 })).toThrow('level is 95')
  expect(() => of([0, 1], [1, Number.NaN])).toThrow('Score 1 of the rows with is NaN')
})
