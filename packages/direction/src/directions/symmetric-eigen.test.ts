import { expect, test } from 'vitest'
import { goldenDirections } from '../../golden/directions.ts'
import { semidefiniteEigenpairs } from './symmetric-eigen.ts'
import { dot } from './vectors.ts'

test('eigenpairs agree with numpy; those of rounding are left out', () => {
  const { matrix, values, vectors } = goldenDirections.eigen
  const pairs = semidefiniteEigenpairs(Float64Array.from(matrix), 12)
  const kept = pairs.filter(({ value }) => value > 1e-10 * (values[0] as number))
  expect(kept).toHaveLength(5)
  for (const [i, { value, vector }] of kept.entries()) {
    expect(value / (values[i] as number)).toBeCloseTo(1, 9)
    expect(Math.abs(dot(vector, Float64Array.from(vectors[i] as number[])))).toBeCloseTo(1, 9)
  }
})

test('equal values, a diagonal, one number and nothing at all are no difficulty', () => {
  const identity = semidefiniteEigenpairs(Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2), 3)
  expect(identity.map(({ value }) => value)).toEqual([2, 2, 2])
  const diagonal = semidefiniteEigenpairs(Float64Array.of(1, 0, 0, 9), 2)
  expect(diagonal.map(({ value, vector }) => [value, ...vector])).toEqual([
    [9, 0, 1],
    [1, 1, 0],
  ])
  // [[2, 1], [1, 2]]: 3 along (1, 1), 1 along (1, -1).
  const [first, second] = semidefiniteEigenpairs(Float64Array.of(2, 1, 1, 2), 2)
  expect(first?.value).toBeCloseTo(3, 12)
  expect(second?.value).toBeCloseTo(1, 12)
  expect(semidefiniteEigenpairs(Float64Array.of(4), 1)).toEqual([
    { value: 4, vector: Float64Array.of(1) },
  ])
  expect(semidefiniteEigenpairs(new Float64Array(9), 3)).toEqual([])
  expect(semidefiniteEigenpairs(new Float64Array(), 0)).toEqual([])
})
