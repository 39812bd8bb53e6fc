import { expect, test } from 'vitest'
import { valueAxis } from './value-axis.ts'

test('the axis ends on round numbers around the values', () => {
  expect(valueAxis([3, 37], { include: [0, 5] })).toEqual({
    domain: [0, 40],
    ticks: [0, 10, 20, 30, 40],
    format: '.0f',
    labels: ['0', '10', '20', '30', '40'],
  })
  expect(valueAxis([0, 12]).ticks).toEqual([0, 2.5, 5, 7.5, 10, 12.5])
  expect(valueAxis([-0.3, 0.4]).labels).toEqual(['−0.4', '−0.2', '0.0', '0.2', '0.4'])
})

test('values beyond the limits do not stretch it', () => {
  expect(valueAxis([90, 108], { include: [0, 5], limits: [0, 100] }).domain).toEqual([0, 100])
})

test('an axis that ends with the data has 6 % to spare and three ticks or more', () => {
  const { domain, ticks } = valueAxis([-1, 1], { ends: 'data', count: 3 })
  expect(domain[0]).toBeCloseTo(-1.12, 12)
  expect(domain[1]).toBeCloseTo(1.12, 12)
  expect(ticks).toEqual([-1, 0, 1])
  for (const values of [
    [0.1, 0.9],
    [-0.31, 0.36],
    [1e-5, 3e-5],
    [2, 2.0001],
  ])
    expect(valueAxis(values, { ends: 'data', count: 3 }).ticks.length).toBeGreaterThanOrEqual(3)
})

test('equal values, none, and extreme ones still make an axis', () => {
  expect(valueAxis([]).domain).toEqual([0, 1])
  expect(valueAxis([0]).domain).toEqual([-0.6, 0.6])
  expect(valueAxis([7, 7]).domain[0]).toBeLessThan(7)
  for (const values of [
    [1e20, 1e20 + 16384],
    [1e-300, 2e-300],
    [-1e300, 1e300],
    [1e15, 1e15 + 1],
  ]) {
    const { domain, ticks } = valueAxis(values)
    expect(domain[0]).toBeLessThanOrEqual(Math.min(...values))
    expect(domain[1]).toBeGreaterThanOrEqual(Math.max(...values))
    expect(ticks.length).toBeLessThan(20)
    expect(ticks.every((tick) => Number.isFinite(tick))).toBe(true)
  }
})
