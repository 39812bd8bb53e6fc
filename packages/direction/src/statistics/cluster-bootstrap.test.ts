import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { bootstrapCurve } from './bootstrap-curve.ts'
import { clusterBootstrap, quantile } from './cluster-bootstrap.ts'

const mean = (values: readonly number[]) => [values.reduce((a, b) => a + b, 0) / values.length]

const run = (seed: number) =>
  clusterBootstrap({ clusters: [1, 2, 4, 8], statistic: mean, seed, nResamples: 100 })
const meanOfPositive = (values: readonly number[]) => mean(values.filter((value) => value > 0))

test('quantiles agree with numpy', () => {
  const sorted = Float64Array.from(golden.quantiles.values)
  for (const [share, value] of golden.quantiles.at)
    expect(quantile(sorted, share)).toBeCloseTo(value, 12)
})

test('the percentile interval of a mean approaches the normal one', () => {
  const clusters = Array.from({ length: 40 }, (_, i) => i)
  const result = clusterBootstrap({ clusters, statistic: mean, seed: 1, nResamples: 4000 })
  const [value] = result.values
  if (value === undefined || 'absent' in value.interval) throw new Error('no interval')
  expect(value.estimate).toBe(19.5)
  // sd (divisor n) = sqrt((1600 - 1) / 12) = 11.543, / sqrt 40 = 1.8252; 1.96 of them: 3.577. The bounds' own error at 4000
  // resamples is about sqrt(0.025 * 0.975 / 4000) / density = 0.042 sd = 0.077; five of those.
  expect(Math.abs(value.interval.low - (19.5 - 3.577))).toBeLessThan(0.39)
  expect(Math.abs(value.interval.high - (19.5 + 3.577))).toBeLessThan(0.39)
  expect(result.warnings).toEqual([])
})

test('a seed repeats its intervals, another seed gives others', () => {
  expect(run(1)).toEqual(run(1))
  expect(run(1).values).not.toEqual(run(2).values)
  expect(run(1)).toMatchObject({
    seed: 1,
    warnings: [expect.stringContaining('approximate: 4 questions')],
  })
})

test('what is undefined in some resamples has no interval', () => {
  // The mean of the positive numbers is undefined where only -1 was drawn.
  const { values } = clusterBootstrap({ clusters: [-1, 2], statistic: meanOfPositive, seed: 3 })
  expect(values[0]).toEqual({
    estimate: 2,
    interval: { absent: expect.stringMatching(/^undefined in \d+ of 2000 resamples$/) },
  })
})

test('one cluster or none gives no interval', () => {
  expect(clusterBootstrap({ clusters: [5], statistic: mean, seed: 1 }).values).toEqual([
    { estimate: 5, interval: { absent: expect.stringContaining('one question') } },
  ])
  expect(clusterBootstrap({ clusters: [], statistic: mean, seed: 1 }).values).toEqual([])
})

test('a statistic that changes its length is refused', () => {
  let length = 0
  const statistic = () => Array.from({ length: ++length }, () => 0)
  expect(() => clusterBootstrap({ clusters: [1, 2], statistic, seed: 1 })).toThrow(
    'gave 2 numbers for a resample and 1 for the data',
  )
  expect(() =>
    clusterBootstrap({ clusters: [1, 2], statistic: mean, seed: 1, nResamples: 5 }),
  ).toThrow('nResamples is 5')
})

test('a curve has its points by step, with counts, and the same questions resampled at every step', () => {
  const rows = ['a', 'b', 'c'].flatMap((question, q) => [
    { question, step: 20, value: q === 0 ? 1 : 0 },
    { question, step: 10, value: q === 0 ? 1 : 0 },
    { question, step: 10, value: null },
  ])
  const curve = bootstrapCurve(rows, { seed: 1, nResamples: 200 })
  expect(
    curve.points.map(({ step, n, nUnscored, estimate }) => [step, n, nUnscored, estimate]),
  ).toEqual([
    [10, 3, 3, 1 / 3],
    [20, 3, 0, 1 / 3],
  ])
  expect(curve.points[0]?.interval).toEqual(curve.points[1]?.interval)
})

test('a step without scores is an absence, an empty curve is empty, a bad step is refused', () => {
  const { points } = bootstrapCurve(
    [
      { question: 'a', step: 0, value: null },
      { question: 'a', step: 1, value: 1 },
      { question: 'b', step: 1, value: 0 },
    ],
    { seed: 1 },
  )
  expect(points[0]).toMatchObject({
    n: 0,
    nUnscored: 1,
    estimate: { absent: expect.any(String) },
    interval: { absent: expect.any(String) },
  })
  expect(bootstrapCurve([], { seed: 1 }).points).toEqual([])
  expect(() => bootstrapCurve([{ question: 'a', step: -1, value: 1 }], { seed: 1 })).toThrow(
    'Row 0 has step -1',
  )
})
