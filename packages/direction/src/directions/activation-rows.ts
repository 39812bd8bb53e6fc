import { CemError } from '@cem/core'
import { shapeMismatch } from './vectors.ts'

/** Hidden states of one layer, one row per response. */
export interface ActivationRows {
  /** Row-major, shape [nResponses, dModel]. An empty answer is a row of NaN. */
  readonly rows: Float32Array
  readonly dModel: number
}

/** Number of rows. Throws `shape-mismatch` unless the rows fill the array. */
export function countRows(name: string, rows: Float32Array, dModel: number): number {
  if (Number.isSafeInteger(dModel) && dModel > 0 && rows.length % dModel === 0)
    return rows.length / dModel
  throw shapeMismatch(`${name} has ${rows.length} numbers, which are no rows of dModel ${dModel}`)
}

/**
 * Whether a row is the NaN row of an empty answer. Throws `partial-nan` where only some of it is NaN and `not-finite` where it
 * holds an infinity: both are faults of whatever made it, and would spread over the mean.
 */
export function isEmptyRow(name: string, rows: Float32Array, dModel: number, row: number): boolean {
  const start = row * dModel
  let nNaN = 0
  for (let i = start; i < start + dModel; i++) {
    const value = rows[i] as number
    if (Number.isNaN(value)) nNaN++
    else if (!Number.isFinite(value)) throw infinite(name, row, i - start, value)
  }
  if (nNaN === 0) return false
  if (nNaN === dModel) return true
  throw new CemError({
    code: 'partial-nan',
    message: `Row ${row} of ${name} is NaN in ${nNaN} of ${dModel} places. An empty answer is NaN throughout; this row is damaged: extract it again.`,
    data: { name, row, nNaN, dModel },
  })
}

function infinite(name: string, row: number, index: number, value: number): CemError {
  return new CemError({
    code: 'not-finite',
    message: `Row ${row} of ${name} holds ${value} at position ${index}: an overflow, often of half precision. Extract it again in float32 or bfloat16.`,
    data: { name, row, index },
  })
}
