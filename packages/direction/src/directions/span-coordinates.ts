import { gramOfRows, solveTransposed, transposedTimesVector } from './dense.ts'
import type { Sample } from './sample.ts'

export interface SpanCoordinates {
  /** The same rows with at most nRows - 1 columns; all inner products are kept. */
  readonly sample: Sample
  /** Turns a vector of the coordinates, shape [nColumns], back to one of the residual stream, shape [dModel]. */
  readonly expand: (vector: Float64Array) => Float64Array
}

/**
 * Coordinates of the rows in an orthonormal basis of their own span, for many fits on the same rows with dModel > nRows. With K
 * the Gram matrix and L its pivoted Cholesky factor, K = L L^T: the rows of L are the coordinates, and the basis is
 * X_p^T L_p^-T of the pivot rows p. Whatever depends on inner products alone (mean differences, ridge fits, discriminants) is
 * the same in them. Where the rows do not outnumber the columns nothing is done.
 */
export function spanCoordinates(sample: Sample): SpanCoordinates {
  const { values, nRows, nColumns } = sample
  if (nRows > nColumns) return { sample, expand: (vector) => vector }
  const { factor, pivots } = pivotedFactor(gramOfRows(values, nRows, nColumns), nRows)
  const rank = pivots.length
  const coordinates = new Float64Array(nRows * rank)
  for (let row = 0; row < nRows; row++)
    coordinates.set(factor.subarray(row * nRows, row * nRows + rank), row * rank)
  const triangle = new Float64Array(rank * rank)
  for (const [index, row] of pivots.entries())
    triangle.set(coordinates.subarray(row * rank, (row + 1) * rank), index * rank)
  return {
    sample: { ...sample, values: coordinates, nColumns: rank, mean: new Float64Array(rank) },
    expand: (vector) => {
      const weights = solveTransposed(triangle, rank, rank, vector)
      const ofRows = new Float64Array(nRows)
      for (const [index, row] of pivots.entries()) ofRows[row] = weights[index] as number
      return transposedTimesVector(values, nRows, nColumns, ofRows)
    },
  }
}

/** Rows of n numbers, the first `pivots.length` of each used. */
function pivotedFactor(gram: Float64Array, n: number): { factor: Float64Array; pivots: number[] } {
  const factor = new Float64Array(n * n)
  const rest = Float64Array.from({ length: n }, (_, i) => gram[i * n + i] as number)
  const floor = n * Number.EPSILON * Math.max(...rest)
  const pivots: number[] = []
  while (pivots.length < n) {
    const pivot = indexOfLargest(rest)
    const largest = rest[pivot] as number
    if (!(largest > floor)) break
    const column = pivots.length
    const root = Math.sqrt(largest)
    for (let row = 0; row < n; row++) {
      if (rest[row] === 0) continue
      let sum = gram[row * n + pivot] as number
      for (let i = 0; i < column; i++)
        sum -= (factor[row * n + i] as number) * (factor[pivot * n + i] as number)
      const value = row === pivot ? root : sum / root
      factor[row * n + column] = value
      rest[row] = row === pivot ? 0 : Math.max(0, (rest[row] as number) - value * value)
    }
    pivots.push(pivot)
  }
  return { factor, pivots }
}

function indexOfLargest(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++)
    if ((values[i] as number) > (values[best] as number)) best = i
  return best
}
