import { CemError } from '@cem/core'
import type { LogisticProbeDetails, LogisticProbeMethod } from './direction-method.ts'
import { newtonInColumns } from './logistic-columns.ts'
import { newtonInRows } from './logistic-rows.ts'
import { type Sample, spreadOf } from './sample.ts'
import { dot } from './vectors.ts'

/**
 * Logistic regression with an L2 penalty: the minimum of sum(log(1 + exp(-y (w . x + b)))) + penalty / 2 |w|^2, y = 1 with and
 * -1 without, by Newton's method with step halving (iteratively reweighted least squares). The minimum is unique. With more
 * columns than rows it lies in the span of the rows, and the unknowns are one weight per row.
 *
 * @throws CemError `no-variance` where all rows are the same
 */
export function fitLogistic(
  sample: Sample,
  { penalty = 0.01, maxIterations = 50 }: LogisticProbeMethod,
): { weights: Float64Array; details: LogisticProbeDetails } {
  const { values, nRows, nColumns, labels } = sample
  const scale = spreadOf(sample)
  if (scale === 0)
    throw new CemError({
      code: 'no-variance',
      message: `All ${nRows} rows of both sides are the same: there is nothing to tell apart. Was the EM adapter active?`,
      data: { nRows },
    })
  const penaltyOnActivations = penalty * scale * scale
  // Forming the Hessian of the columns costs more than its factor, so a few more rows than columns are still better as rows.
  const solve = nRows <= 1.5 * nColumns ? newtonInRows : newtonInColumns
  const { weights, intercept, ...rest } = solve({
    values,
    nRows,
    nColumns,
    labels,
    penalty: penaltyOnActivations,
    maxIterations,
    scale,
  })
  return {
    weights,
    details: {
      kind: 'logistic-probe',
      penalty,
      penaltyOnActivations,
      // The sample is centred; this intercept is for rows as they are.
      intercept: intercept - dot(sample.mean, weights),
      ...rest,
    },
  }
}
