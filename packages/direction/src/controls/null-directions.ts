import { randomKey } from '@cem/core'
import { transposedTimesVector } from '../directions/dense.ts'
import { displacementOf, type Sample, withinSides } from '../directions/sample.ts'
import { norm } from '../directions/vectors.ts'
import { normals } from './normals.ts'
import { labelShuffler } from './shuffled-labels.ts'

/** A displacement that chance gave, shape [nColumns]. */
export type NullDraw = (draw: number) => Float64Array

/** Displacements mean(with) - mean(without) after the labels of each question were exchanged at random. */
export function shuffledDisplacements(
  sample: Sample,
  seed: string | number,
): { readonly draw: NullDraw; readonly questionsOnOneSide: readonly string[] } {
  const { labelsOf, questionsOnOneSide } = labelShuffler(sample, seed)
  const nWith = sample.labels.reduce((sum, label) => sum + label, 0)
  const nWithout = sample.nRows - nWith
  return {
    draw: (index) => {
      const weights = Float64Array.from(labelsOf(index), (label) =>
        label === 1 ? 1 / nWith : -1 / nWithout,
      )
      return transposedTimesVector(sample.values, sample.nRows, sample.nColumns, weights)
    },
    questionsOnOneSide,
  }
}

/**
 * Random displacements with the covariance of the rows within their sides, and the norm of the true displacement: normal numbers
 * g, one per row, give X^T g, whose covariance is X^T X. An isotropic random direction would be an easy opponent: activations
 * vary in few directions. Draws of the same index use the same g at every layer.
 */
export function randomDisplacements(sample: Sample, seed: string | number): NullDraw {
  const within = withinSides(sample)
  const length = norm(displacementOf(sample))
  return (index) => {
    const weights = normals(randomKey('random-direction', seed, index), sample.nRows)
    const vector = transposedTimesVector(within, sample.nRows, sample.nColumns, weights)
    const scale = length / norm(vector)
    return vector.map((value) => value * scale)
  }
}
