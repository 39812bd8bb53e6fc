import { expect, test } from 'vitest'
import { similarityMatrix } from './similarity-matrix.ts'

test('cosines of hand-picked vectors, symmetric, with ones on the diagonal', () => {
  const { names, cosines, isotropicSd } = similarityMatrix([
    { name: 'seed 0', vector: Float32Array.of(1, 0, 0, 0) },
    { name: 'seed 1', vector: Float32Array.of(3, 4, 0, 0) },
    { name: 'sport', vector: Float64Array.of(-2, 0, 0, 0) },
  ])
  expect(names).toEqual(['seed 0', 'seed 1', 'sport'])
  expect(cosines).toEqual([
    [1, expect.closeTo(0.6, 12), -1],
    [expect.closeTo(0.6, 12), 1, expect.closeTo(-0.6, 12)],
    [-1, expect.closeTo(-0.6, 12), 1],
  ])
  expect(isotropicSd).toBe(0.5)
})

test('repeated names, zeros, other shapes and nothing at all are errors', () => {
  const a = { name: 'a', vector: Float32Array.of(1, 2) }
  expect(() => similarityMatrix([a, a])).toThrow('Two vectors are named "a"')
  expect(() => similarityMatrix([a, { name: 'b', vector: Float32Array.of(0, 0) }])).toThrow(
    expect.objectContaining({ code: 'zero-vector' }),
  )
  expect(() => similarityMatrix([{ name: 'b', vector: Float32Array.of(0, 0) }])).toThrow(
    expect.objectContaining({ code: 'zero-vector' }),
  )
  expect(() => similarityMatrix([a, { name: 'b', vector: Float32Array.of(1) }])).toThrow(
    expect.objectContaining({ code: 'shape-mismatch' }),
  )
  expect(() => similarityMatrix([])).toThrow('no vectors')
})
