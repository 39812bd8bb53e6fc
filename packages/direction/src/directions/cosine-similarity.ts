import { CemError } from '@cem/core'
import { checkFinite, checkSameLength, dot, norm, type Vector } from './vectors.ts'

/**
 * a . b / (|a| |b|), in [-1, 1].
 *
 * @throws CemError `zero-vector` where a length is 0: the cosine is undefined; `shape-mismatch`, `not-finite`
 */
export function cosineSimilarity(a: Vector, b: Vector): number {
  checkSameLength('a', a, 'b', b)
  checkFinite('a', a)
  checkFinite('b', b)
  const product = norm(a) * norm(b)
  if (product === 0)
    throw new CemError({
      code: 'zero-vector',
      message: `A vector of zeros (shape [${a.length}]) has no direction, so its cosine with another is undefined.`,
      data: { dModel: a.length },
    })
  // Rounding can carry the quotient of parallel vectors a hair beyond 1.
  return Math.max(-1, Math.min(1, dot(a, b) / product))
}
