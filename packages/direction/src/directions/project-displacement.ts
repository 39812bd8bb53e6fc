import { type Absent, absent } from '../absent.ts'
import { checkPositive } from '../options.ts'
import { cosineSimilarity } from './cosine-similarity.ts'
import { checkUnit } from './project.ts'
import { checkFinite, checkSameLength, dot, norm, subtract, type Vector } from './vectors.ts'

export interface ProjectDisplacementOptions {
  /** Mean activation m of the checkpoint, shape [dModel]. */
  readonly mean: Vector
  /** Mean activation b of the base on the same layer, shape [dModel]. */
  readonly baseMean?: Vector
  /** Direction d, unit norm, shape [dModel]. */
  readonly direction: Vector
  /** N, the displacement norm of the direction itself (`MeanDirection.displacementNorm`). */
  readonly directionDisplacementNorm?: number
}

export interface DisplacementProjection {
  /** m . d, in the unit of the activations; positive = more misaligned. */
  readonly projection: number
  /** |m| */
  readonly norm: number
  /** m . d / (|m| |d|). */
  readonly rawCosine: number | Absent
  /** (m - b) . d */
  readonly projectionFromBase: number | Absent
  /** (m - b) . d / (|m - b| |d|): how much of the movement goes along the direction. Absent where nothing moved. */
  readonly cosine: number | Absent
  /** |m - b|: how far the mean moved, in whatever direction. */
  readonly displacementNorm: number | Absent
  /** (m - b) . d / N: 1 is as far along as the checkpoint that the direction was made from. */
  readonly relativeProjection: number | Absent
}

/**
 * A checkpoint's mean on a direction, with what a projection alone hides: how far the mean moved and how much of that goes
 * along the direction. A checkpoint that the direction was made from has the largest possible values (cosine 1, relative
 * projection 1) by construction; that is no finding.
 *
 * @throws CemError `shape-mismatch`, `not-finite`, `not-unit`, `bad-option`
 */
export function projectDisplacement({
  mean,
  baseMean,
  direction,
  directionDisplacementNorm,
}: ProjectDisplacementOptions): DisplacementProjection {
  checkSameLength('the mean', mean, 'the direction', direction)
  checkFinite('the mean', mean)
  checkUnit(direction)
  if (directionDisplacementNorm !== undefined)
    checkPositive('directionDisplacementNorm', directionDisplacementNorm)
  const raw = {
    projection: dot(mean, direction),
    norm: norm(mean),
    rawCosine: cosineOrAbsent(mean, direction, 'the mean is all zeros'),
  }
  if (baseMean === undefined) {
    const none = absent('no mean of the base was given')
    return {
      ...raw,
      projectionFromBase: none,
      cosine: none,
      displacementNorm: none,
      relativeProjection: none,
    }
  }
  checkSameLength('the mean', mean, 'the mean of the base', baseMean)
  checkFinite('the mean of the base', baseMean)
  const displacement = subtract(mean, baseMean)
  const projectionFromBase = dot(displacement, direction)
  return {
    ...raw,
    projectionFromBase,
    cosine: cosineOrAbsent(displacement, direction, 'the mean is that of the base: nothing moved'),
    displacementNorm: norm(displacement),
    relativeProjection:
      directionDisplacementNorm === undefined
        ? absent("the direction's displacement norm was not given")
        : projectionFromBase / directionDisplacementNorm,
  }
}

const cosineOrAbsent = (vector: Vector, direction: Vector, reason: string) =>
  norm(vector) === 0 ? absent(reason) : cosineSimilarity(vector, direction)
