import { CemError } from '@cem/core'
import { cosineSimilarity } from './cosine-similarity.ts'
import type { Vector } from './vectors.ts'

export interface NamedVector {
  readonly name: string
  /** Shape [dModel]. */
  readonly vector: Vector
}

export interface SimilarityMatrix {
  readonly names: readonly string[]
  /** Cosines, [row][column] in the order of the names; symmetric, 1 on the diagonal. */
  readonly cosines: readonly (readonly number[])[]
  /**
   * 1 / sqrt(dModel): the standard deviation of the cosine of two random directions of an isotropic space. Activations are not
   * isotropic, so random directions of theirs are more alike: see `directionControls` for a null of the same covariance.
   */
  readonly isotropicSd: number
}

/**
 * How alike directions are: across layers, data sets, variants or seeds. A `Direction` can be given as it is. Across layers the
 * cosine is between residual streams of different depth.
 *
 * @throws CemError `duplicate-name`, `shape-mismatch`, `zero-vector`, `not-finite`; `bad-option` for no vectors
 */
export function similarityMatrix(vectors: readonly NamedVector[]): SimilarityMatrix {
  const [first] = vectors
  if (first === undefined)
    throw new CemError({
      code: 'bad-option',
      message: 'There are no vectors to compare; give at least one.',
    })
  const names = vectors.map(({ name }) => name)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined)
    throw new CemError({
      code: 'duplicate-name',
      message: `Two vectors are named ${JSON.stringify(repeated)}; names must tell them apart.`,
      data: { name: repeated },
    })
  const cosines = vectors.map((a, i) =>
    vectors.map((b, j) =>
      i === j && cosineSimilarity(a.vector, a.vector) > 0
        ? 1
        : cosineSimilarity(a.vector, b.vector),
    ),
  )
  return { names, cosines, isotropicSd: 1 / Math.sqrt(first.vector.length) }
}
