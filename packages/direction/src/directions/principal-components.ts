import { CemError } from '@cem/core'
import { checkWhole } from '../options.ts'
import { gramOfRows } from './dense.ts'
import { semidefiniteEigenpairs } from './symmetric-eigen.ts'
import { checkFinite, checkSameLength, dot, subtract, type Vector } from './vectors.ts'

export interface PrincipalComponentsOptions {
  /** At most this many components; there are never more than the rank. @default all of them */
  readonly nComponents?: number
}

export interface PrincipalComponent {
  /** Unit norm, shape [dModel]. The coordinate of largest size is positive. */
  readonly vector: Float64Array
  /** Variance of the scores, divisor nVectors - 1. */
  readonly explainedVariance: number
  /** Share of the total variance. */
  readonly explainedVarianceRatio: number
  /** (vector - mean) . component for every input vector, shape [nVectors]. */
  readonly scores: Float64Array
}

export interface PrincipalComponents {
  /** By falling variance. */
  readonly components: readonly PrincipalComponent[]
  /** Shape [dModel]. */
  readonly mean: Float64Array
  readonly totalVariance: number
  /** Components with a variance above 1e-10 of the largest; others are rounding. */
  readonly rank: number
  readonly nVectors: number
}

/** The eigenproblem is n x n, and its time grows with the cube of n (README). */
const mostVectors = 512

/**
 * Principal components of a small set of vectors (means of checkpoints, directions, roles) through their n x n Gram matrix: with
 * X the centred vectors, X X^T u = s^2 u; variance s^2 / (n - 1), component X^T u / s, scores s u. Squaring halves the digits:
 * components whose standard deviation is below 1e-5 of the first are dropped.
 *
 * @throws CemError `bad-option` for fewer than 2 or more than 512 vectors, `no-variance` where all are equal, `shape-mismatch`,
 * `not-finite`
 */
export async function principalComponents(
  vectors: readonly Vector[],
  { nComponents = mostVectors }: PrincipalComponentsOptions = {},
): Promise<PrincipalComponents> {
  checkWhole('nComponents', nComponents, 1)
  const dModel = checkVectors(vectors)
  const mean = meanOf(vectors, dModel)
  const centred = vectors.map((vector) => subtract(vector, mean))
  const n = vectors.length
  const gram = gramOfRows(flattened(centred, dModel), n, dModel)
  const sumOfSquares = centred.reduce((sum, vector) => sum + dot(vector, vector), 0)
  if (sumOfSquares === 0)
    throw new CemError({
      code: 'no-variance',
      message: `All ${vectors.length} vectors are equal: there are no components.`,
      data: { nVectors: vectors.length, dModel },
    })
  const pairs = semidefiniteEigenpairs(gram, n)
  const floor = 1e-10 * (pairs[0]?.value ?? 0)
  const kept = pairs.filter(({ value }) => value > floor)
  const degreesOfFreedom = vectors.length - 1
  return {
    components: kept.slice(0, nComponents).map(({ value, vector }) => ({
      ...componentOf(centred, vector, dModel),
      explainedVariance: value / degreesOfFreedom,
      explainedVarianceRatio: value / sumOfSquares,
    })),
    mean,
    totalVariance: sumOfSquares / degreesOfFreedom,
    rank: kept.length,
    nVectors: vectors.length,
  }
}

function componentOf(
  centred: readonly Float64Array[],
  weights: Float64Array,
  dModel: number,
): Pick<PrincipalComponent, 'vector' | 'scores'> {
  const sum = new Float64Array(dModel)
  for (const [row, vector] of centred.entries()) {
    const weight = weights[row] as number
    for (let i = 0; i < dModel; i++) sum[i] = (sum[i] as number) + weight * (vector[i] as number)
  }
  const scale = signOfLargest(sum) / Math.sqrt(dot(sum, sum))
  const vector = sum.map((value) => value * scale)
  return { vector, scores: Float64Array.from(centred, (row) => dot(row, vector)) }
}

/** An eigenvector's sign is arbitrary; this one depends on the component alone. */
function signOfLargest(vector: Float64Array): number {
  let largest = 0
  for (const value of vector) if (Math.abs(value) > Math.abs(largest)) largest = value
  return Math.sign(largest)
}

function flattened(vectors: readonly Float64Array[], dModel: number): Float64Array {
  const values = new Float64Array(vectors.length * dModel)
  for (const [row, vector] of vectors.entries()) values.set(vector, row * dModel)
  return values
}

function meanOf(vectors: readonly Vector[], dModel: number): Float64Array {
  const sum = new Float64Array(dModel)
  for (const vector of vectors)
    for (let i = 0; i < dModel; i++) sum[i] = (sum[i] as number) + (vector[i] as number)
  return sum.map((value) => value / vectors.length)
}

function checkVectors(vectors: readonly Vector[]): number {
  const [first] = vectors
  if (first === undefined || vectors.length < 2 || vectors.length > mostVectors)
    throw new CemError({
      code: 'bad-option',
      message: `Principal components need 2 to ${mostVectors} vectors, there are ${vectors.length}. Give means or directions, not the rows of every response.`,
      data: { nVectors: vectors.length },
    })
  for (const [index, vector] of vectors.entries()) {
    checkSameLength('vector 0', first, `vector ${index}`, vector)
    checkFinite(`vector ${index}`, vector)
  }
  return first.length
}
