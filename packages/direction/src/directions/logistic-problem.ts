/** The gradient per row, on rows of root mean square length 1, at which a fit counts as converged. */
export const gradientTolerance = 1e-8

/** A logistic regression with its penalty for the values as they are. */
export interface LogisticProblem {
  readonly values: Float64Array
  readonly nRows: number
  readonly nColumns: number
  readonly labels: Uint8Array
  readonly penalty: number
  readonly maxIterations: number
  /** Root mean square length of the rows: gradients are told in units of it. */
  readonly scale: number
}

export interface LogisticSolution {
  readonly weights: Float64Array
  readonly intercept: number
  readonly hasConverged: boolean
  readonly nIterations: number
  readonly gradientNorm: number
  readonly objective: number
}

/** log(1 + exp(x)) without overflow. */
const softplus = (x: number) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)))

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** Sum of the log loss of log odds. */
export function logLoss(logOdds: Float64Array, labels: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < logOdds.length; i++) {
    const x = logOdds[i] as number
    sum += softplus(labels[i] === 1 ? -x : x)
  }
  return sum
}

/**
 * The largest share of a Newton step, from 1 by halves, that does not raise the objective beyond rounding; 0 where none of 30
 * does.
 */
export function halveUntilLower(objectiveAt: (share: number) => number, start: number): number {
  const allowed = start + 1e-12 * Math.abs(start)
  let share = 1
  for (let i = 0; i < 30; i++) {
    if (objectiveAt(share) <= allowed) return share
    share /= 2
  }
  return 0
}
