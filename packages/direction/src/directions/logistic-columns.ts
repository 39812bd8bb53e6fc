import {
  factorise,
  gramOfColumns,
  solveFactorised,
  timesVector,
  transposedTimesVector,
} from './dense.ts'
import {
  gradientTolerance,
  halveUntilLower,
  type LogisticProblem,
  type LogisticSolution,
  logLoss,
  sigmoid,
} from './logistic-problem.ts'
import { dot } from './vectors.ts'

/**
 * Newton's method with one unknown per column, and the intercept as one more column of ones (times the rows' scale, so that the
 * system is well conditioned) whose weight is not penalised.
 */
export function newtonInColumns(problem: LogisticProblem): LogisticSolution {
  const { nRows, nColumns, labels, penalty, maxIterations, scale } = problem
  const n = nColumns + 1
  const values = withConstant(problem, n)
  let weights = new Float64Array(n)
  let nIterations = 0
  for (;;) {
    const logOdds = timesVector(values, nRows, n, weights)
    const objective = objectiveOf(weights, logOdds)
    const residuals = logOdds.map((value, i) => sigmoid(value) - (labels[i] as number))
    const gradient = transposedTimesVector(values, nRows, n, residuals)
    for (let i = 0; i < nColumns; i++)
      gradient[i] = (gradient[i] as number) + penalty * (weights[i] as number)
    const gradientNorm = Math.sqrt(dot(gradient, gradient)) / scale / nRows
    const hasConverged = gradientNorm <= gradientTolerance
    const next =
      hasConverged || nIterations === maxIterations
        ? undefined
        : step(weights, logOdds, gradient, objective)
    if (next === undefined)
      return {
        weights: weights.slice(0, nColumns),
        intercept: (weights[nColumns] as number) * scale,
        hasConverged,
        nIterations,
        gradientNorm,
        objective,
      }
    weights = next
    nIterations++
  }

  function objectiveOf(at: Float64Array, logOdds: Float64Array): number {
    const penalised = at.subarray(0, nColumns)
    return logLoss(logOdds, labels) + (penalty / 2) * dot(penalised, penalised)
  }

  function step(
    from: Float64Array,
    logOdds: Float64Array,
    gradient: Float64Array,
    objective: number,
  ): Float64Array<ArrayBuffer> | undefined {
    const variances = logOdds.map((value) => sigmoid(value) * sigmoid(-value))
    const hessian = gramOfColumns(values, nRows, n, variances)
    for (let i = 0; i < nColumns; i++) hessian[i * n + i] = (hessian[i * n + i] as number) + penalty
    if (!factorise(hessian, n)) return undefined
    const change = solveFactorised(hessian, n, gradient)
    const changeOfLogOdds = timesVector(values, nRows, n, change)
    const at = (share: number) =>
      Float64Array.from(from, (value, i) => value - share * (change[i] as number))
    const share = halveUntilLower((tried) => {
      const moved = logOdds.map((value, i) => value - tried * (changeOfLogOdds[i] as number))
      return objectiveOf(at(tried), moved)
    }, objective)
    return share === 0 ? undefined : at(share)
  }
}

function withConstant(
  { values, nRows, nColumns, scale }: LogisticProblem,
  n: number,
): Float64Array {
  const wide = new Float64Array(nRows * n)
  for (let row = 0; row < nRows; row++) {
    wide.set(values.subarray(row * nColumns, (row + 1) * nColumns), row * n)
    wide[row * n + nColumns] = scale
  }
  return wide
}
