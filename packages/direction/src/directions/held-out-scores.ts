import { CemError } from '@cem/core'
import { timesVector } from './dense.ts'
import type { DirectionMethod } from './direction-method.ts'
import { fitMethod } from './fit.ts'
import { type Fold, foldOfRows, trainingRows } from './folds.ts'
import {
  displacementOf,
  roundingOfMeans,
  type Sample,
  sideMeans,
  spreadOf,
  subsetOf,
} from './sample.ts'
import { spanCoordinates } from './span-coordinates.ts'
import { dot, norm } from './vectors.ts'

export interface HeldOutScores {
  /** Fold of every row. */
  readonly foldOf: Int32Array
  /** Score of every row by the direction that was made without its fold, shape [nRows]. */
  readonly byFold: Float64Array
  /**
   * For every fold: scores of the rows of the OTHER folds by directions made without that fold and without their own, NaN for
   * its own rows. Empty where not asked for.
   */
  readonly withoutFold: readonly Float64Array[]
}

export interface HeldOutOptions {
  readonly sample: Sample
  readonly folds: readonly Fold[]
  readonly method: DirectionMethod
  /** For errors, for instance ` (layer 7)`. */
  readonly place: string
  /** Whether `withoutFold` is wanted. */
  readonly isNested: boolean
}

/**
 * Scores that no row had a part in: with K folds, K directions for the scores and K (K - 1) / 2 more for the nested choice. A
 * score is 0 at the training rows' mean without and 1 at their mean with, so that scores of different folds can be pooled.
 */
export function heldOutScores({
  sample,
  folds,
  method,
  place,
  isNested,
}: HeldOutOptions): HeldOutScores {
  // Mean differences are cheaper than the coordinates.
  const { sample: rows } = method.kind === 'mean-difference' ? { sample } : spanCoordinates(sample)
  const foldOf = foldOfRows(rows, folds)
  const byFold = new Float64Array(rows.nRows)
  const withoutFold = isNested ? folds.map(() => new Float64Array(rows.nRows).fill(Number.NaN)) : []
  for (const a of folds.keys()) {
    fill(byFold, scoresWithout([a]), a)
    if (!isNested) continue
    for (let b = a + 1; b < folds.length; b++) {
      const scores = scoresWithout([a, b])
      fill(withoutFold[a], scores, b)
      fill(withoutFold[b], scores, a)
    }
  }
  return { foldOf, byFold, withoutFold }

  function scoresWithout(heldOut: readonly number[]): Float64Array {
    const training = subsetOf(rows, trainingRows(rows, foldOf, heldOut))
    const displacement = displacementOf(training)
    if (norm(displacement) <= roundingOfMeans * spreadOf(training))
      throw new CemError({
        code: 'zero-direction',
        message: `With fold ${heldOut.join(' and ')} held out the means of both sides are equal${place}: there is no direction to score with. Was the EM adapter active?`,
        data: { heldOut },
      })
    const { weights } = fitMethod(training, method)
    const along = dot(weights, displacement)
    const zero = dot(weights, sideMeans(training).without) + offsetOf(training, weights)
    const scores = timesVector(rows.values, rows.nRows, rows.nColumns, weights)
    return scores.map((score) => (score - zero) / along)
  }

  /** The training rows were centred at their own mean; the rows to score were not. */
  function offsetOf(training: Sample, weights: Float64Array): number {
    return dot(training.mean, weights) - dot(rows.mean, weights)
  }

  function fill(target: Float64Array | undefined, scores: Float64Array, fold: number): void {
    if (target === undefined) return
    for (let row = 0; row < rows.nRows; row++)
      if (foldOf[row] === fold) target[row] = scores[row] as number
  }
}
