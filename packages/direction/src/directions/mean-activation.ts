import { CemError } from '@cem/core'
import { type ActivationRows, countRows, isEmptyRow } from './activation-rows.ts'

export interface MeanActivation {
  /** Mean of the rows, summed in float64, shape [dModel]. */
  readonly mean: Float64Array
  /** Rows in the mean. */
  readonly n: number
  /** NaN rows (empty answers), left out. */
  readonly nSkipped: number
}

/**
 * The mean response of one layer.
 *
 * @throws CemError `no-rows` where every row is an empty answer or there is none, `partial-nan`, `not-finite`, `shape-mismatch`
 */
export function meanActivation({ rows, dModel }: ActivationRows): MeanActivation {
  return meanOfRows('the activations', { rows, dModel })
}

/** `meanActivation` with a name for its errors. */
export function meanOfRows(name: string, { rows, dModel }: ActivationRows): MeanActivation {
  const nRows = countRows(name, rows, dModel)
  const sums = new Float64Array(dModel)
  let n = 0
  for (let row = 0; row < nRows; row++) {
    if (isEmptyRow(name, rows, dModel, row)) continue
    n++
    const start = row * dModel
    for (let i = 0; i < dModel; i++) sums[i] = (sums[i] as number) + (rows[start + i] as number)
  }
  if (n === 0)
    throw new CemError({
      code: 'no-rows',
      message: `There is no mean of ${name}: ${nRows} rows, all of them empty answers.`,
      data: { name, nRows },
    })
  return { mean: sums.map((sum) => sum / n), n, nSkipped: nRows - n }
}
