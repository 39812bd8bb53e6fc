import { expect, test } from 'vitest'
import { plantedRows } from '../../test/contrast-rows.ts'
import { checkContrastRows } from './contrast-rows.ts'
import { gramOfRows, timesVector } from './dense.ts'
import { displacementOf, sampleOf } from './sample.ts'
import { spanCoordinates } from './span-coordinates.ts'

const sampleFor = (dModel: number) => {
  const rows = plantedRows({ seed: 'span', nQuestions: 4, perQuestion: 3, dModel, shift: 1 })
  return sampleOf(rows, checkContrastRows(rows, ''))
}

test('coordinates keep all inner products, and vectors expand to what has the same scores', () => {
  const sample = sampleFor(50)
  const { sample: coordinates, expand } = spanCoordinates(sample)
  // 24 centred rows have rank 23.
  expect(coordinates.nColumns).toBe(23)
  const before = gramOfRows(sample.values, 24, 50)
  const after = gramOfRows(coordinates.values, 24, 23)
  for (const [i, value] of before.entries()) expect(after[i]).toBeCloseTo(value, 9)
  const vector = displacementOf(coordinates)
  const expanded = expand(vector)
  for (const [i, value] of displacementOf(sample).entries())
    expect(expanded[i]).toBeCloseTo(value, 9)
  const scores = timesVector(sample.values, 24, 50, expanded)
  for (const [i, value] of timesVector(coordinates.values, 24, 23, vector).entries())
    expect(scores[i]).toBeCloseTo(value, 9)
})

test('rows that repeat have the rank of those that do not', () => {
  const sample = sampleFor(50)
  const half = sample.values.subarray(0, 600)
  const doubled = { ...sample, values: Float64Array.from([...half, ...half]) }
  const { sample: coordinates } = spanCoordinates(doubled)
  // The first 12 rows are centred with the others, so that they keep rank 12.
  expect(coordinates.nColumns).toBe(12)
})

test('with more rows than columns nothing is done', () => {
  const sample = sampleFor(5)
  expect(spanCoordinates(sample).sample).toBe(sample)
})
