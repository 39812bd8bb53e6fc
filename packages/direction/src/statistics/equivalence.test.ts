import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { allPairsEquivalence } from './all-pairs-equivalence.ts'
import { studentCdf } from './distributions.ts'
import { equivalence } from './equivalence.ts'
import { pairedDifference } from './paired-difference.ts'

const rowsOf = (values: readonly number[]) =>
  values.map((value, i) => ({ question: `q${i}`, value }))

test.each(golden.paired)(
  'the larger one-sided p agrees with statsmodels, case %#',
  ({ a, b, equivalenceAtOneFifth }) => {
    const result = equivalence(pairedDifference(rowsOf(a), rowsOf(b)), { margin: 0.2, unseen: 0 })
    expect(result.p).toBeCloseTo(equivalenceAtOneFifth, 9)
    expect(result.isEquivalent).toBe(equivalenceAtOneFifth <= 0.05)
  },
)

test('without a t there is no p, and nothing is called equivalent', () => {
  const one = pairedDifference(rowsOf([1]), rowsOf([1]))
  const same = pairedDifference(rowsOf([1, 1]), rowsOf([1, 1]))
  for (const difference of [one, same])
    expect(equivalence(difference, { margin: 1 })).toMatchObject({
      p: { absent: expect.any(String) },
      isEquivalent: false,
    })
})

test('all pairs pass only if each does, and the p is the largest', () => {
  const conditions = [
    { name: 'x', rows: rowsOf([0.1, 0.2, 0.3, 0.4]) },
    { name: 'y', rows: rowsOf([0.11, 0.19, 0.31, 0.42]) },
    { name: 'z', rows: rowsOf([0.4, 0.52, 0.58, 0.71]) },
  ]
  const result = allPairsEquivalence(conditions, { margin: 0.1, unseen: 0 })
  expect(result.pairs.map(({ a, b, isEquivalent }) => [a, b, isEquivalent])).toEqual([
    ['x', 'y', true],
    ['x', 'z', false],
    ['y', 'z', false],
  ])
  expect(result.p).toBe(Math.max(...result.pairs.map(({ p }) => p as number)))
  expect(result.isEquivalent).toBe(false)
  expect(allPairsEquivalence(conditions.slice(0, 2), { margin: 0.1, unseen: 0 }).isEquivalent).toBe(
    true,
  )
})

test('one pair without a p leaves the whole without one, and names the pair', () => {
  const result = allPairsEquivalence(
    [
      { name: 'x', rows: rowsOf([0.1, 0.2]) },
      { name: 'empty', rows: [] },
    ],
    { margin: 0.5 },
  )
  expect(result).toMatchObject({
    isEquivalent: false,
    p: { absent: 'x and empty: no question has scored rows on both sides' },
  })
})

test('margins and conditions are checked', () => {
  const difference = pairedDifference(rowsOf([1, 2]), rowsOf([1, 1]))
  for (const margin of [0, -0.1, Number.NaN])
    expect(() => equivalence(difference, { margin })).toThrow(`margin is ${margin}`)
  expect(() => allPairsEquivalence([], { margin: 0.1 })).toThrow('given: none')
  const twice = [1, 2].map(() => ({ name: 'x', rows: [] }))
  expect(() => allPairsEquivalence(twice, { margin: 0.1 })).toThrow('given: x, x')
})

test('a further question against the claim has to leave it standing', () => {
  const a = [0.02, 0, 0.04, 0, 0, 0.02, 0, 0]
  const [nearZero, zero] = [rowsOf(a), rowsOf(a.map(() => 0))]
  const difference = pairedDifference(nearZero, zero)
  // The plain tests: mean 0.01, so far within 0.1 that p is below 1e-6.
  expect(equivalence(difference, { margin: 0.1, unseen: 0 })).toMatchObject({ isEquivalent: true })
  const withUnseen = equivalence(difference, { margin: 0.1 })
  // The same as asking: is the mean of the nine differences below the margin?
  const nine = pairedDifference(rowsOf([...a, 0.5]), rowsOf([...a, 0].map(() => 0)))
  expect(withUnseen.p).toBeCloseTo(
    studentCdf((Number(nine.estimate) - 0.1) / Number(nine.standardError), 8),
    12,
  )
  expect(withUnseen.isEquivalent).toBe(false)
  expect(equivalence(difference, { margin: 0.2 }).isEquivalent).toBe(true)
  expect(() => equivalence(difference, { margin: 0.1, unseen: -1 })).toThrow('unseen is -1')
})
