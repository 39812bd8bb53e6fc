import { semidefiniteEigenpairs } from './symmetric-eigen.ts'

export interface Eigenpair {
  readonly value: number
  /** Unit norm, shape [n]. */
  readonly vector: readonly number[]
}

/**
 * `semidefiniteEigenpairs` for rows of plain numbers; eigenvalues that are rounding are left out.
 *
 * @param matrix n rows of n numbers, symmetric and positive semidefinite
 */
export function symmetricEigenpairs(
  matrix: readonly (readonly number[])[],
): Promise<readonly Eigenpair[]> {
  const pairs = semidefiniteEigenpairs(Float64Array.from(matrix.flat()), matrix.length)
  return Promise.resolve(pairs.map(({ value, vector }) => ({ value, vector: Array.from(vector) })))
}
