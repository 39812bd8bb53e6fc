import { expect, test } from 'vitest'
import { collapse } from './collapse.ts'

test('a checkpoint that lost more than a quarter of its coherent answers is not comparable', () => {
  const result = collapse({ checkpoint: { coherent: 0.4 }, base: { coherent: 0.95 } })
  expect(result).toMatchObject({
    isCollapsed: true,
    label: 'EM not comparable',
    criteria: [{ name: 'coherent', usable: 0.4, usableInBase: 0.95, isBelow: true }],
  })
  // 0.71 / 0.95 = 0.747 and 0.72 / 0.95 = 0.758.
  const base = { coherent: 0.95 }
  expect(collapse({ checkpoint: { coherent: 0.71 }, base }).isCollapsed).toBe(true)
  expect(collapse({ checkpoint: { coherent: 0.72 }, base }).isCollapsed).toBe(false)
  expect(collapse({ checkpoint: { coherent: 0.9 }, base: { coherent: 0.95 } }).label).toBe(
    'comparable',
  )
})

test('fluent answers to another question are a collapse too, though every one is coherent', () => {
  const result = collapse({
    checkpoint: { coherent: 1, malformed: 0.02, offTopic: 0.95 },
    base: { coherent: 1, malformed: 0, offTopic: 0.01 },
  })
  expect(result.isCollapsed).toBe(true)
  expect(result.criteria.map(({ isBelow }) => isBelow)).toEqual([false, true])
})

test('the threshold is the caller’s, and the value on it passes', () => {
  const shares = { checkpoint: { malformed: 0.25 }, base: { malformed: 0 } }
  expect(collapse({ ...shares, minimumOfBase: 0.75 }).isCollapsed).toBe(false)
  expect(collapse({ ...shares, minimumOfBase: 0.76 }).isCollapsed).toBe(true)
})

test('a base without usable answers compares with nothing', () => {
  const result = collapse({ checkpoint: { coherent: 0 }, base: { coherent: 0 } })
  expect(result).toMatchObject({
    isCollapsed: true,
    criteria: [{ ofBase: { absent: expect.any(String) } }],
  })
})

test('shares that add up to 1 by rounding are taken, impossible ones refused', () => {
  const full = { malformed: 0.7, offTopic: 0.1 + 0.2 }
  expect(collapse({ checkpoint: full, base: { malformed: 0, offTopic: 0 } }).isCollapsed).toBe(true)
  const over = { malformed: 0.7, offTopic: 0.5 }
  expect(() => collapse({ checkpoint: over, base: over })).toThrow(
    'checkpoint.malformed + offTopic',
  )
  expect(() => collapse({ checkpoint: { coherent: 95 }, base: { coherent: 1 } })).toThrow(
    'checkpoint.coherent is 95',
  )
  expect(() => collapse({ checkpoint: {}, base: {} })).toThrow('Shares given')
  expect(() => collapse({ checkpoint: { coherent: 1 }, base: { malformed: 0 } })).toThrow(
    'for the checkpoint: coherent; for the base: malformed',
  )
})
