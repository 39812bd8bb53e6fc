import {
  addToDiagonal,
  factorise,
  gramOfRows,
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

/** w = X^T a: one weight per row, and the intercept. */
interface State {
  readonly ofRows: Float64Array
  readonly intercept: number
}

/**
 * Newton's method in the span of the rows. With K the Gram matrix, f = K a + b, p = sigmoid(f), W = diag(p (1 - p)) and
 * L the penalty, a step solves (L I + W K) a + b W 1 = W f - (p - y) with sum(a) = 0, through the symmetric L I + S K S with
 * S = sqrt(W), which is well conditioned however small W gets (Rasmussen and Williams, "Gaussian processes for machine
 * learning", 2006, section 3.4.3).
 */
export function newtonInRows(problem: LogisticProblem): LogisticSolution {
  const { values, nRows, nColumns, labels, penalty, maxIterations, scale } = problem
  const gram = gramOfRows(values, nRows, nColumns)
  let state: State = { ofRows: new Float64Array(nRows), intercept: 0 }
  let nIterations = 0
  for (;;) {
    const product = timesVector(gram, nRows, nRows, state.ofRows)
    const logOdds = product.map((value) => value + state.intercept)
    const objective = logLoss(logOdds, labels) + (penalty / 2) * dot(state.ofRows, product)
    const residuals = logOdds.map((value, i) => sigmoid(value) - (labels[i] as number))
    const gradientNorm = gradientSize(residuals, state)
    const hasConverged = gradientNorm <= gradientTolerance
    const next =
      hasConverged || nIterations === maxIterations
        ? undefined
        : step(state, product, logOdds, residuals, objective)
    if (next === undefined)
      return {
        weights: transposedTimesVector(values, nRows, nColumns, state.ofRows),
        intercept: state.intercept,
        hasConverged,
        nIterations,
        gradientNorm,
        objective,
      }
    state = next
    nIterations++
  }

  /** Length of the gradient by w, X^T (r + L a), and by b, sum(r), per row. */
  function gradientSize(residuals: Float64Array, { ofRows }: State): number {
    const byRow = residuals.map((value, i) => value + penalty * (ofRows[i] as number))
    const square = dot(byRow, timesVector(gram, nRows, nRows, byRow))
    const byIntercept = residuals.reduce((sum, value) => sum + value, 0)
    return Math.hypot(Math.sqrt(Math.max(0, square)) / scale, byIntercept) / nRows
  }

  function step(
    from: State,
    product: Float64Array,
    logOdds: Float64Array,
    residuals: Float64Array,
    objective: number,
  ): State | undefined {
    const variances = logOdds.map((value) => sigmoid(value) * sigmoid(-value))
    const roots = variances.map(Math.sqrt)
    const system = new Float64Array(nRows * nRows)
    for (let i = 0; i < nRows; i++)
      for (let j = 0; j <= i; j++)
        system[i * nRows + j] =
          (roots[i] as number) * (gram[i * nRows + j] as number) * (roots[j] as number)
    addToDiagonal(system, nRows, penalty)
    if (!factorise(system, nRows)) return undefined
    /** (L I + W K)^-1 v. */
    const solve = (v: Float64Array) => {
      const right = timesVector(gram, nRows, nRows, v).map(
        (value, i) => value * (roots[i] as number),
      )
      const inner = solveFactorised(system, nRows, right)
      return v.map((value, i) => (value - (roots[i] as number) * (inner[i] as number)) / penalty)
    }
    const forScores = solve(
      logOdds.map((value, i) => (variances[i] as number) * value - (residuals[i] as number)),
    )
    const forIntercept = solve(variances)
    const intercept = sumOf(forScores) / sumOf(forIntercept)
    const change = forScores.map(
      (value, i) => value - intercept * (forIntercept[i] as number) - (from.ofRows[i] as number),
    )
    if (!change.every(Number.isFinite) || !Number.isFinite(intercept)) return undefined
    const changeOfProduct = timesVector(gram, nRows, nRows, change)
    const at = (share: number): State => ({
      ofRows: from.ofRows.map((value, i) => value + share * (change[i] as number)),
      intercept: from.intercept + share * (intercept - from.intercept),
    })
    const share = halveUntilLower((tried) => {
      const { ofRows, intercept: offset } = at(tried)
      const moved = product.map((value, i) => value + tried * (changeOfProduct[i] as number))
      const penalised = (penalty / 2) * dot(ofRows, moved)
      return (
        logLoss(
          moved.map((value) => value + offset),
          labels,
        ) + penalised
      )
    }, objective)
    return share === 0 ? undefined : at(share)
  }
}

const sumOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0)
