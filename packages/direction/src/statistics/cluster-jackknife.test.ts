import { expect, test } from 'vitest'
import { clusterJackknife } from './cluster-jackknife.ts'

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

test('for a mean it is the textbook standard error', () => {
  // sd of 1, 2, 4, 5 is sqrt(10 / 3); over sqrt(4). t(0.975, 3) = 3.182446.
  const error = Math.sqrt(10 / 3) / 2
  expect(clusterJackknife({ clusters: [1, 2, 4, 5], statistic: mean })).toMatchObject({
    estimate: 3,
    standardError: expect.closeTo(error, 12),
    interval: {
      low: expect.closeTo(3 - 3.182446 * error, 5),
      high: expect.closeTo(3 + 3.182446 * error, 5),
      method: 'jackknife over questions, t(3)',
    },
  })
})

test('above 200 clusters they are left out in 200 groups', () => {
  const clusters = Array.from({ length: 1000 }, (_, i) => i % 7)
  const { nClusters, nGroups, standardError } = clusterJackknife({ clusters, statistic: mean })
  expect({ nClusters, nGroups }).toEqual({ nClusters: 1000, nGroups: 200 })
  // sd of 0..6 is 2 (divisor 7); 2 / sqrt(1000) = 0.0632, which 200 groups estimate within 20 % (4 x 1 / sqrt(2 x 199)).
  expect(Math.abs(Number(standardError) / 0.0632 - 1)).toBeLessThan(0.2)
})

test('what hangs on one question has no interval', () => {
  const firstOnly = (values: readonly number[]) => (values.includes(9) ? 1 : Number.NaN)
  expect(clusterJackknife({ clusters: [9, 1, 2], statistic: firstOnly })).toMatchObject({
    estimate: 1,
    interval: { absent: 'undefined without 1 of the 3 groups of questions' },
  })
})

test('no rows, one question, no spread and a perfect correlation are labelled absences', () => {
  const of = (clusters: number[], scale: 'plain' | 'fisher' = 'plain') =>
    clusterJackknife({ clusters, statistic: mean, scale })
  expect(of([]).estimate).toEqual({ absent: 'no rows' })
  expect(of([1])).toMatchObject({
    estimate: 1,
    interval: { absent: expect.stringContaining('one question') },
  })
  expect(of([2, 2, 2]).interval).toEqual({ absent: expect.stringContaining('no variance') })
  expect(of([0, 1, 2], 'fisher').interval).toEqual({ absent: expect.stringContaining('1 or -1') })
  expect(() => clusterJackknife({ clusters: [1], statistic: mean, level: 2 })).toThrow('level is 2')
})
