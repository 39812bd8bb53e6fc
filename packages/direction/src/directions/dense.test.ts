import { randomSource } from '@cem/core'
import { expect, test } from 'vitest'
import {
  factorise,
  gramOfColumns,
  gramOfRows,
  solveFactorised,
  timesVector,
  transposedTimesVector,
} from './dense.ts'

const matrixOf = (nRows: number, nColumns: number) => {
  const source = randomSource('dense', nRows, nColumns)
  return Float64Array.from({ length: nRows * nColumns }, () => source.normal())
}

test('products of rows and of columns are those of the definition, whatever the sizes of the blocks', () => {
  for (const [nRows, nColumns] of [
    [1, 1],
    [2, 3],
    [5, 1030],
    [7, 512],
    [9, 4],
    [4, 513],
  ] as const) {
    const values = matrixOf(nRows, nColumns)
    const at = (row: number, column: number) => values[row * nColumns + column] as number
    const rows = gramOfRows(values, nRows, nColumns)
    for (let i = 0; i < nRows; i++)
      for (let j = 0; j < nRows; j++) {
        let sum = 0
        for (let k = 0; k < nColumns; k++) sum += at(i, k) * at(j, k)
        expect(rows[i * nRows + j]).toBeCloseTo(sum, 9)
        expect(rows[i * nRows + j]).toBe(rows[j * nRows + i])
      }
    if (nColumns > 9) continue
    const weights = Float64Array.from({ length: nRows }, (_, i) => i + 0.5)
    const columns = gramOfColumns(values, nRows, nColumns, weights)
    for (let i = 0; i < nColumns; i++)
      for (let j = 0; j < nColumns; j++) {
        let sum = 0
        for (let k = 0; k < nRows; k++) sum += at(k, i) * at(k, j) * (weights[k] as number)
        expect(columns[i * nColumns + j]).toBeCloseTo(sum, 9)
      }
  }
})

test('a factor solves its system; matrices that are not positive definite have none', () => {
  const values = matrixOf(6, 9)
  const matrix = gramOfRows(values, 6, 9)
  const factor = matrix.slice()
  expect(factorise(factor, 6)).toBe(true)
  const right = Float64Array.of(1, -2, 3, 0, 5, 1)
  const solution = solveFactorised(factor, 6, right)
  for (const [i, value] of timesVector(matrix, 6, 6, solution).entries())
    expect(value).toBeCloseTo(right[i] as number, 9)
  expect(factorise(Float64Array.of(1, 2, 2, 4), 2)).toBe(false)
  expect(factorise(Float64Array.of(-1), 1)).toBe(false)
  expect(factorise(Float64Array.of(Number.NaN), 1)).toBe(false)
  expect(factorise(Float64Array.of(0), 1)).toBe(false)
})

test('a matrix times a vector, and its transpose', () => {
  const values = Float64Array.of(1, 2, 3, 4, 5, 6)
  expect(Array.from(timesVector(values, 2, 3, Float64Array.of(1, 0, -1)))).toEqual([-2, -2])
  expect(Array.from(transposedTimesVector(values, 2, 3, Float64Array.of(1, -1)))).toEqual([
    -3, -3, -3,
  ])
})
