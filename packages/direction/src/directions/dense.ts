/** Products and factors of dense row-major float64 matrices, for fits that run hundreds of times. */

/** Sum of products of n numbers, four at a time: V8 keeps the four sums apart, which is three times faster than one. */
function dotAt(
  a: Float64Array,
  startA: number,
  b: Float64Array,
  startB: number,
  n: number,
): number {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let i = 0
  for (; i + 3 < n; i += 4) {
    s0 += (a[startA + i] as number) * (b[startB + i] as number)
    s1 += (a[startA + i + 1] as number) * (b[startB + i + 1] as number)
    s2 += (a[startA + i + 2] as number) * (b[startB + i + 2] as number)
    s3 += (a[startA + i + 3] as number) * (b[startB + i + 3] as number)
  }
  for (; i < n; i++) s0 += (a[startA + i] as number) * (b[startB + i] as number)
  return s0 + s1 + (s2 + s3)
}

/** X X^T of rows X, shape [nRows, nRows]; exactly symmetric. */
export function gramOfRows(values: Float64Array, nRows: number, nColumns: number): Float64Array {
  const gram = new Float64Array(nRows * nRows)
  // Blocks of rows and columns that stay in the cache.
  const rowsPerBlock = 32
  const columnsPerBlock = 512
  for (let block = 0; block < nRows; block += rowsPerBlock)
    for (let column = 0; column < nColumns; column += columnsPerBlock) {
      const width = Math.min(columnsPerBlock, nColumns - column)
      const end = Math.min(block + rowsPerBlock, nRows)
      for (let i = 0; i < end; i++)
        for (let j = Math.max(i, block); j < end; j++) {
          const at = i * nRows + j
          gram[at] =
            (gram[at] as number) +
            dotAt(values, i * nColumns + column, values, j * nColumns + column, width)
        }
    }
  for (let i = 0; i < nRows; i++)
    for (let j = 0; j < i; j++) gram[i * nRows + j] = gram[j * nRows + i] as number
  return gram
}

/** X^T diag(weights) X, shape [nColumns, nColumns]; weights are all 1 where none are given. */
export function gramOfColumns(
  values: Float64Array,
  nRows: number,
  nColumns: number,
  weights?: Float64Array,
): Float64Array {
  const gram = new Float64Array(nColumns * nColumns)
  for (let row = 0; row < nRows; row++) {
    const start = row * nColumns
    const weight = weights === undefined ? 1 : (weights[row] as number)
    for (let i = 0; i < nColumns; i++) {
      const factor = weight * (values[start + i] as number)
      if (factor === 0) continue
      for (let j = i, at = i * nColumns + i; j < nColumns; j++, at++)
        gram[at] = (gram[at] as number) + factor * (values[start + j] as number)
    }
  }
  for (let i = 0; i < nColumns; i++)
    for (let j = 0; j < i; j++) gram[i * nColumns + j] = gram[j * nColumns + i] as number
  return gram
}

/** X v, shape [nRows]. */
export function timesVector(
  values: Float64Array,
  nRows: number,
  nColumns: number,
  vector: Float64Array,
): Float64Array {
  const product = new Float64Array(nRows)
  for (let row = 0; row < nRows; row++)
    product[row] = dotAt(values, row * nColumns, vector, 0, nColumns)
  return product
}

/** X^T u, shape [nColumns]. */
export function transposedTimesVector(
  values: Float64Array,
  nRows: number,
  nColumns: number,
  vector: Float64Array,
): Float64Array {
  const product = new Float64Array(nColumns)
  for (let row = 0; row < nRows; row++) {
    const weight = vector[row] as number
    if (weight === 0) continue
    const start = row * nColumns
    for (let i = 0; i < nColumns; i++)
      product[i] = (product[i] as number) + weight * (values[start + i] as number)
  }
  return product
}

/**
 * Cholesky's factor L with L L^T = A, written over the lower half of A. Returns false, with A spoiled, where A is not positive
 * definite: a pivot below 1e-14 of the diagonal entry it comes from is rounding.
 */
export function factorise(matrix: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const at = i * n + j
      matrix[at] =
        ((matrix[at] as number) - dotAt(matrix, i * n, matrix, j * n, j)) /
        (matrix[j * n + j] as number)
    }
    const diagonal = matrix[i * n + i] as number
    const pivot = diagonal - dotAt(matrix, i * n, matrix, i * n, i)
    if (!(pivot > 1e-14 * diagonal)) return false
    matrix[i * n + i] = Math.sqrt(pivot)
  }
  return true
}

/** Solves L L^T x = b with the factor of `factorise`. */
export function solveFactorised(factor: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = b.slice()
  for (let i = 0; i < n; i++)
    x[i] = ((x[i] as number) - dotAt(factor, i * n, x, 0, i)) / (factor[i * n + i] as number)
  return solveTransposed(factor, n, n, x)
}

/** Solves L^T x = b for the lower triangle of the first n rows of a matrix with rows of `stride` numbers. */
export function solveTransposed(
  factor: Float64Array,
  n: number,
  stride: number,
  b: Float64Array,
): Float64Array {
  const x = b.slice()
  for (let i = n - 1; i >= 0; i--) {
    const value = (x[i] as number) / (factor[i * stride + i] as number)
    x[i] = value
    for (let j = 0; j < i; j++) x[j] = (x[j] as number) - value * (factor[i * stride + j] as number)
  }
  return x
}

/** A += value I, in place. */
export function addToDiagonal(matrix: Float64Array, n: number, value: number): void {
  for (let i = 0; i < n; i++) matrix[i * n + i] = (matrix[i * n + i] as number) + value
}
