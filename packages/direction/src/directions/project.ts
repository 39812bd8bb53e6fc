import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { countRows, isEmptyRow } from './activation-rows.ts'
import { meanOfRows } from './mean-activation.ts'
import { checkFinite, checkSameLength, dot, norm, shapeMismatch, type Vector } from './vectors.ts'

/**
 * vector . direction, in the unit of the activations; positive = more misaligned.
 *
 * @param vector shape [dModel], finite
 * @param direction shape [dModel], unit norm
 * @throws CemError `not-unit` where the direction's norm differs from 1 by more than 1e-3, `shape-mismatch`, `not-finite`
 */
export function projectOne(vector: Vector, direction: Vector): number {
  checkSameLength('the vector', vector, 'the direction', direction)
  checkFinite('the vector', vector)
  checkUnit(direction)
  return dot(vector, direction)
}

export interface ProjectedRows {
  /** One per row, in order; NaN where the row is. Shape [nResponses]. */
  readonly projections: Float64Array
  readonly nProjected: number
  /** NaN rows (empty answers). */
  readonly nSkipped: number
}

/**
 * The projection of every response.
 *
 * @param rows row-major, shape [nResponses, dModel]
 * @param direction shape [dModel], unit norm
 * @throws CemError as `projectOne`, and `partial-nan`
 */
export function projectRows(rows: Float32Array, dModel: number, direction: Vector): ProjectedRows {
  const nRows = checkRows(rows, dModel, direction)
  const projections = new Float64Array(nRows).fill(Number.NaN)
  let nProjected = 0
  for (let row = 0; row < nRows; row++) {
    if (isEmptyRow('the activations', rows, dModel, row)) continue
    projections[row] = dot(rows.subarray(row * dModel, (row + 1) * dModel), direction)
    nProjected++
  }
  return { projections, nProjected, nSkipped: nRows - nProjected }
}

export interface ProjectedMean {
  /** Mean row . direction; absent where every row is an empty answer. */
  readonly projection: number | Absent
  readonly nProjected: number
  readonly nSkipped: number
}

/**
 * The projection of the mean of the rows that are not NaN: what the published curves show.
 *
 * @throws CemError as `projectRows`
 */
export function projectMean(rows: Float32Array, dModel: number, direction: Vector): ProjectedMean {
  const nRows = checkRows(rows, dModel, direction)
  const { nSkipped, nProjected } = projectRows(rows, dModel, direction)
  if (nProjected === 0)
    return {
      projection: absent(`${nRows} rows, all of them empty answers`),
      nProjected,
      nSkipped,
    }
  const { mean } = meanOfRows('the activations', { rows, dModel })
  return { projection: dot(mean, direction), nProjected, nSkipped }
}

/** A direction from a file may be float16 or float32; one that is further from unit norm gives projections in no unit. */
const unitTolerance = 1e-3

export function checkUnit(direction: Vector): void {
  checkFinite('the direction', direction)
  const length = norm(direction)
  if (Math.abs(length - 1) <= unitTolerance) return
  throw new CemError({
    code: 'not-unit',
    message: `The direction has norm ${length}; it must be 1 (within ${unitTolerance}). Divide it by its norm first.`,
    data: { norm: length, dModel: direction.length },
  })
}

function checkRows(rows: Float32Array, dModel: number, direction: Vector): number {
  const nRows = countRows('the activations', rows, dModel)
  if (direction.length !== dModel)
    throw shapeMismatch(
      `the activations have shape [${nRows}, ${dModel}], the direction has shape [${direction.length}]`,
    )
  checkUnit(direction)
  return nRows
}
