import { CemError } from '@cem/core'
import {
  type ContrastRows,
  checkContrastRows,
  type SkippedRow,
} from '../directions/contrast-rows.ts'
import {
  displacementOf,
  roundingOfMeans,
  sampleOf,
  spreadOf,
  withinSides,
} from '../directions/sample.ts'
import { norm } from '../directions/vectors.ts'
import { checkWhole } from '../options.ts'
import { randomDisplacements, shuffledDisplacements } from './null-directions.ts'

export interface NullDirectionsOptions extends ContrastRows {
  readonly seed: string | number
  /** How many. @default 100 */
  readonly nDraws?: number
}

export interface NullDirection {
  /** Unit norm, shape [dModel]. */
  readonly vector: Float32Array
  /** In the unit of the activations. */
  readonly displacementNorm: number
}

export interface NullDirections {
  readonly directions: readonly NullDirection[]
  readonly skipped: readonly SkippedRow[]
  /** Questions whose labels could not be exchanged; none for random directions. */
  readonly questionsOnOneSide: readonly string[]
  readonly seed: string | number
}

/**
 * Mean-difference directions after exchanging labels among the answers to each question: what a direction looks like where
 * there is nothing to find. For steering and ablation controls; `directionControls` gives null bands without keeping them.
 *
 * @throws CemError `nothing-to-shuffle`, `zero-direction` where all answers to each question are the same, and the errors of rows
 */
export function shuffledDirections({
  seed,
  nDraws = 100,
  ...rows
}: NullDirectionsOptions): NullDirections {
  checkWhole('nDraws', nDraws, 1)
  const checked = checkContrastRows(rows, '')
  const sample = sampleOf(rows, checked)
  const spread = spreadOf(sample)
  const { draw, questionsOnOneSide } = shuffledDisplacements(sample, seed)
  return {
    directions: Array.from({ length: nDraws }, (_, index) => normalised(draw(index), spread)),
    skipped: checked.skipped,
    questionsOnOneSide,
    seed,
  }
}

/**
 * Random directions with the covariance of the answers within their sides and the norm of the mean difference.
 *
 * @throws CemError `no-variance` where all rows of each side are the same, and the errors of rows
 */
export function randomDirections({
  seed,
  nDraws = 100,
  ...rows
}: NullDirectionsOptions): NullDirections {
  checkWhole('nDraws', nDraws, 1)
  const checked = checkContrastRows(rows, '')
  const sample = sampleOf(rows, checked)
  checkVariance(sample)
  const draw = randomDisplacements(sample, seed)
  const displacementNorm = norm(displacementOf(sample))
  return {
    directions: Array.from({ length: nDraws }, (_, index) => ({
      ...normalised(draw(index), 0),
      displacementNorm,
    })),
    skipped: checked.skipped,
    questionsOnOneSide: [],
    seed,
  }
}

/** Throws `no-variance` where all rows of each side are the same: they have no covariance to draw from. */
export function checkVariance(sample: ReturnType<typeof sampleOf>): void {
  const within = norm(withinSides(sample)) / Math.sqrt(sample.nRows)
  if (within > 1e-13 * spreadOf(sample)) return
  throw new CemError({
    code: 'no-variance',
    message: `All rows of each side are the same (${sample.nRows} rows): they have no covariance to draw random directions from.`,
    data: { nRows: sample.nRows },
  })
}

function normalised(displacement: Float64Array, spread: number): NullDirection {
  const displacementNorm = norm(displacement)
  if (displacementNorm <= roundingOfMeans * spread)
    throw new CemError({
      code: 'zero-direction',
      message:
        'A draw has displacement 0: the answers to each question are the same on both sides.',
    })
  return {
    vector: Float32Array.from(displacement, (value) => value / displacementNorm),
    displacementNorm,
  }
}
