export interface Eigenpair {
  readonly value: number
  /** Unit norm, shape [n]. */
  readonly vector: Float64Array
}

/** Sweeps until the rows are orthogonal; 6 to 10 is usual, and it converges quadratically. */
const mostSweeps = 60

/**
 * Eigenpairs of a symmetric positive semidefinite matrix, largest value first, without those below 1e-15 of the largest (their
 * vectors would be rounding). One-sided Jacobi (M. R. Hestenes, 1958): rows are rotated in pairs until they are orthogonal;
 * they are then the eigenvectors times their eigenvalues.
 *
 * @param matrix row-major, shape [n, n]
 */
export function semidefiniteEigenpairs(matrix: Float64Array, n: number): Eigenpair[] {
  const rows = Array.from({ length: n }, (_, i) => matrix.slice(i * n, (i + 1) * n))
  const squares = rows.map((row) => dotOf(row, row))
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    const floor = 1e-30 * Math.max(...squares)
    let nRotations = 0
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++)
        if (orthogonalise(rows[p] as Float64Array, rows[q] as Float64Array, p, q, squares, floor))
          nRotations++
    if (nRotations === 0) break
    // The squares are updated with each rotation; their rounding must not add up.
    for (const [index, row] of rows.entries()) squares[index] = dotOf(row, row)
  }
  const floor = 1e-15 * Math.sqrt(Math.max(...squares))
  return rows
    .map((row) => ({ value: Math.sqrt(dotOf(row, row)), row }))
    .filter(({ value }) => value > floor)
    .toSorted((a, b) => b.value - a.value)
    .map(({ value, row }) => ({ value, vector: row.map((entry) => entry / value) }))
}

/** Rotates two rows to a right angle; false where they have it, or are rounding beside the largest row. */
function orthogonalise(
  a: Float64Array,
  b: Float64Array,
  p: number,
  q: number,
  squares: number[],
  floor: number,
): boolean {
  const squareA = squares[p] as number
  const squareB = squares[q] as number
  if (squareA <= floor || squareB <= floor) return false
  const product = dotOf(a, b)
  if (Math.abs(product) <= 1e-14 * Math.sqrt(squareA * squareB)) return false
  const ratio = (squareB - squareA) / (2 * product)
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(1, ratio))
  const cosine = 1 / Math.hypot(1, tangent)
  const sine = cosine * tangent
  for (let i = 0; i < a.length; i++) {
    const valueA = a[i] as number
    const valueB = b[i] as number
    a[i] = cosine * valueA - sine * valueB
    b[i] = sine * valueA + cosine * valueB
  }
  squares[p] = squareA - tangent * product
  squares[q] = squareB + tangent * product
  return true
}

function dotOf(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}
