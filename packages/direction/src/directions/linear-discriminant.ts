import { CemError } from '@cem/core'
import {
  addToDiagonal,
  factorise,
  gramOfColumns,
  gramOfRows,
  solveFactorised,
  timesVector,
  transposedTimesVector,
} from './dense.ts'
import type { LinearDiscriminantDetails, LinearDiscriminantMethod } from './direction-method.ts'
import { displacementOf, type Sample, withinSides } from './sample.ts'

/**
 * Fisher's linear discriminant with a shrunk covariance: w = ((1 - s) S + s m I)^-1 (mean(with) - mean(without)), S the
 * covariance within the sides (divisor nRows), m = trace(S) / dModel. With more columns than rows the inverse is taken in the
 * span of the rows (Woodbury's identity); the result is the same.
 *
 * @throws CemError `singular-covariance` with shrinkage 0 where S has no inverse, `no-variance` where all rows of each side are
 * the same
 */
export function fitLinearDiscriminant(
  sample: Sample,
  { shrinkage = 'ledoit-wolf' }: LinearDiscriminantMethod,
): { weights: Float64Array; details: LinearDiscriminantDetails } {
  const { nRows, nColumns, dModel } = sample
  const within = withinSides(sample)
  const isWide = nColumns > nRows
  const gram = isWide ? gramOfRows(within, nRows, nColumns) : gramOfColumns(within, nRows, nColumns)
  const size = isWide ? nRows : nColumns
  const trace = traceOf(gram, size) / nRows
  // What centring left of identical rows is rounding, not variance.
  const total = sumOfSquares(sample.values) / nRows
  if (!(trace > 1e-24 * total))
    throw new CemError({
      code: 'no-variance',
      message: `All rows of each side are the same (${nRows} rows): there is no covariance to discriminate with. Use the mean difference.`,
      data: { nRows },
    })
  const share = shrinkage === 'ledoit-wolf' ? ledoitWolf(within, gram, trace, sample) : shrinkage
  const ridge = (share * trace) / dModel
  const factor = (1 - share) / nRows
  const displacement = displacementOf(sample)
  const solve = isWide ? solveWide : solveTall
  return {
    weights: solve({ within, gram, nRows, nColumns, ridge, factor, displacement }),
    details: {
      kind: 'linear-discriminant',
      shrinkage: share,
      shrinkageFrom: shrinkage === 'ledoit-wolf' ? 'ledoit-wolf' : 'given',
    },
  }
}

/**
 * Share that minimises the expected squared error of the covariance. O. Ledoit and M. Wolf, "A well-conditioned estimator for
 * large-dimensional covariance matrices", J. Multivariate Analysis 88 (2004), lemma 3.2 to 3.4, on rows centred within sides.
 */
function ledoitWolf(
  within: Float64Array,
  gram: Float64Array,
  trace: number,
  { nRows, nColumns, dModel }: Sample,
): number {
  const squaredNorm = sumOfSquares(gram) / nRows ** 2
  let fourth = 0
  for (let row = 0; row < nRows; row++) {
    const start = row * nColumns
    let square = 0
    for (let i = start; i < start + nColumns; i++) square += (within[i] as number) ** 2
    fourth += square ** 2
  }
  const distance = squaredNorm - trace ** 2 / dModel
  const error = (fourth / nRows - squaredNorm) / nRows
  if (!(distance > 0)) return 1
  return Math.max(0, Math.min(1, error / distance))
}

interface Problem {
  readonly within: Float64Array
  readonly gram: Float64Array
  readonly nRows: number
  readonly nColumns: number
  /** The covariance is ridge I + factor X^T X. */
  readonly ridge: number
  readonly factor: number
  readonly displacement: Float64Array
}

function solveTall({ gram, nColumns, ridge, factor, displacement }: Problem): Float64Array {
  const covariance = gram.map((value) => value * factor)
  addToDiagonal(covariance, nColumns, ridge)
  if (!factorise(covariance, nColumns)) throw singular()
  return solveFactorised(covariance, nColumns, displacement)
}

/** (r I + f X^T X)^-1 v = (v - X^T (r / f I + X X^T)^-1 X v) / r. */
function solveWide({
  within,
  gram,
  nRows,
  nColumns,
  ridge,
  factor,
  displacement,
}: Problem): Float64Array {
  if (ridge === 0) throw singular()
  if (factor === 0) return displacement.map((value) => value / ridge)
  const system = gram.slice()
  addToDiagonal(system, nRows, ridge / factor)
  if (!factorise(system, nRows)) throw singular()
  const alongRows = timesVector(within, nRows, nColumns, displacement)
  const solution = solveFactorised(system, nRows, alongRows)
  const back = transposedTimesVector(within, nRows, nColumns, solution)
  return displacement.map((value, i) => (value - (back[i] as number)) / ridge)
}

function traceOf(matrix: Float64Array, n: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) sum += matrix[i * n + i] as number
  return sum
}

function sumOfSquares(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return sum
}

const singular = () =>
  new CemError({
    code: 'singular-covariance',
    message:
      "The covariance has no inverse: fewer rows than dimensions, or constant columns. Give a shrinkage above 0, or leave it at 'ledoit-wolf'.",
  })
