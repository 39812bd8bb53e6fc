import type { Vector } from '../directions/vectors.ts'

/** A square matrix, row-major, shape [n, n]. */
export interface SquareMatrix {
  readonly n: number
  readonly data: Float64Array
}

/** X Y^T of two matrices with the same number of columns: [nX, nY], row-major. */
export function rowProducts(givenX: Vector, givenY: Vector, nColumns: number): Float64Array {
  const [x, y] = [inFloat64(givenX), inFloat64(givenY)]
  const nX = x.length / nColumns
  const nY = y.length / nColumns
  const out = new Float64Array(nX * nY)
  for (let i = 0; i < nX; i++)
    for (let j = 0; j < nY; j++) {
      let sum = 0
      for (let k = 0; k < nColumns; k++)
        sum += (x[i * nColumns + k] as number) * (y[j * nColumns + k] as number)
      out[i * nY + j] = sum
    }
  return out
}

/** X^T Y of two matrices with the same number of rows: [nX, nY] with nX and nY their columns, row-major. */
export function columnProducts(givenX: Vector, givenY: Vector, nRows: number): Float64Array {
  const [x, y] = [inFloat64(givenX), inFloat64(givenY)]
  const nX = x.length / nRows
  const nY = y.length / nRows
  const out = new Float64Array(nX * nY)
  for (let k = 0; k < nRows; k++)
    for (let i = 0; i < nX; i++) {
      const value = x[k * nX + i] as number
      for (let j = 0; j < nY; j++)
        out[i * nY + j] = (out[i * nY + j] as number) + value * (y[k * nY + j] as number)
    }
  return out
}

/** Loops that meet both kinds of arrays run several times as long as loops that meet one. */
function inFloat64(vector: Vector): Float64Array {
  return vector instanceof Float64Array ? vector : new Float64Array(vector)
}

/**
 * The largest eigenvalue of a symmetric matrix without negative ones. The matrix is squared 40 times, which leaves those
 * within 1e-11 of the largest, however close eigenvalues lie (power iteration stalls there, and the singular values of a fresh
 * LoRA A lie close); a Rayleigh quotient then gives the value.
 */
export function largestEigenvalue({ n, data }: SquareMatrix): number {
  const scale = largest(data)
  if (scale === 0) return 0
  const scaled = data.map((value) => value / scale)
  let power = scaled
  for (let i = 0; i < 40; i++) {
    const square = rowProducts(power, power, n)
    const size = largest(square)
    power = square.map((value) => value / size)
  }
  const vector = power.slice(longestRow(power, n) * n).subarray(0, n)
  let quotient = 0
  let length = 0
  for (let i = 0; i < n; i++) {
    let product = 0
    for (let j = 0; j < n; j++) product += (scaled[i * n + j] as number) * (vector[j] as number)
    quotient += (vector[i] as number) * product
    length += (vector[i] as number) ** 2
  }
  return (quotient / length) * scale
}

/**
 * L of a = L L^T for a symmetric matrix without negative eigenvalues (Cholesky). Pivots at the level of rounding are taken for
 * 0, and their columns with them: such a matrix has a lower rank.
 */
export function cholesky({ n, data }: SquareMatrix): Float64Array {
  const factor = new Float64Array(n * n)
  let trace = 0
  for (let i = 0; i < n; i++) trace += data[i * n + i] as number
  for (let j = 0; j < n; j++) {
    let pivot = data[j * n + j] as number
    for (let k = 0; k < j; k++) pivot -= (factor[j * n + k] as number) ** 2
    if (pivot <= 1e-14 * trace) continue
    const root = Math.sqrt(pivot)
    for (let i = j; i < n; i++) {
      let sum = data[i * n + j] as number
      for (let k = 0; k < j; k++)
        sum -= (factor[i * n + k] as number) * (factor[j * n + k] as number)
      factor[i * n + j] = sum / root
    }
  }
  return factor
}

function largest(data: Float64Array): number {
  let found = 0
  for (let i = 0; i < data.length; i++) found = Math.max(found, Math.abs(data[i] as number))
  return found
}

function longestRow(data: Float64Array, n: number): number {
  let best = 0
  let bestLength = -1
  for (let i = 0; i < n; i++) {
    let length = 0
    for (let j = 0; j < n; j++) length += (data[i * n + j] as number) ** 2
    if (length > bestLength) {
      best = i
      bestLength = length
    }
  }
  return best
}
