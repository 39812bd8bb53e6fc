export interface Eigenpair {
  readonly value: number
  /** Unit norm, shape [n]. */
  readonly vector: readonly number[]
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, largest value first. The one place that loads mathjs, which takes 0.7 s
 * and so is loaded on first use; its smaller `mathjs/number` has no matrices. Jacobi's method with an absolute precision: the
 * matrix is scaled to trace 1 on the way in, and a precision nearer to rounding could keep it from ever ending.
 *
 * @param matrix n rows of n numbers, symmetric, positive trace
 */
export async function symmetricEigenpairs(
  matrix: readonly (readonly number[])[],
): Promise<Eigenpair[]> {
  const { eigs } = await import('mathjs')
  const trace = matrix.reduce((sum, row, i) => sum + (row[i] as number), 0)
  const scaled = matrix.map((row) => row.map((value) => value / trace))
  const { eigenvectors } = eigs(scaled, { precision: 1e-12 })
  return eigenvectors
    .map(({ value, vector }) => ({
      value: Number(value) * trace,
      vector: normalised((vector as number[]).map(Number)),
    }))
    .toSorted((a, b) => b.value - a.value)
}

function normalised(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}
