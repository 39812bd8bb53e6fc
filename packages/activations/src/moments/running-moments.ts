import { CemError } from '@cem/core'
import { addOuterProducts, addSquares, packedIndex } from './co-moment.ts'

export type CovarianceKind = 'full' | 'diagonal'

export interface RunningMomentsOptions {
  readonly dModel: number
  /** `diagonal` keeps variances alone: dModel numbers in place of dModel^2 / 2. @default 'full' */
  readonly covariance?: CovarianceKind
}

/** What a `RunningMoments` is made of; enough to go on with it to the bit. */
export interface MomentsState {
  readonly count: number
  readonly nEmpty: number
  /** The first row, [dModel]. Sums are of differences to it. */
  readonly origin: Float64Array
  /** Mean of the differences to the origin, [dModel]. */
  readonly mean: Float64Array
  /** Sum of products of deviations from the mean: packed lower triangle, or its diagonal [dModel]. */
  readonly coMoment: Float64Array
}

/** Rows that are gathered before the co-moment is touched: with the one for the difference of means, four times four. */
const blockRows = 15

/**
 * Mean and covariance of rows as they come, in float64 and constant memory: pairwise updates of Chan, Golub and LeVeque
 * ("Updating formulae and a pairwise algorithm for computing sample variances", 1979), whose case of a single row is Welford's.
 * Everything is computed on differences to the first row, which keeps the digits where the mean is large beside the spread.
 */
export class RunningMoments {
  readonly dModel: number
  readonly covarianceKind: CovarianceKind
  #count = 0
  #nEmpty = 0
  #origin: Float64Array
  #mean: Float64Array
  #coMoment: Float64Array
  /** Rows to come, as differences to the origin. */
  #block: Float64Array[] = []

  constructor({ dModel, covariance = 'full' }: RunningMomentsOptions) {
    if (!Number.isSafeInteger(dModel) || dModel < 1)
      throw new CemError({
        code: 'bad-option',
        message: `dModel is ${dModel}; it must be a whole number of at least 1.`,
        data: { dModel },
      })
    this.dModel = dModel
    this.covarianceKind = covariance
    this.#origin = new Float64Array(dModel)
    this.#mean = new Float64Array(dModel)
    this.#coMoment = new Float64Array(coMomentLength(dModel, covariance))
  }

  /** @throws CemError `activations-mismatch` for a state of another shape */
  static fromState(options: RunningMomentsOptions, state: MomentsState): RunningMoments {
    const { dModel, covariance = 'full' } = options
    const length = coMomentLength(dModel, covariance)
    if (
      state.origin.length !== dModel ||
      state.mean.length !== dModel ||
      state.coMoment.length !== length
    )
      throw mismatch(
        `The state has shapes [${state.origin.length}], [${state.mean.length}], [${state.coMoment.length}], and [${dModel}], [${dModel}], [${length}] are needed.`,
      )
    const moments = new RunningMoments(options)
    moments.#take(state)
    return moments
  }

  /** Rows that count. */
  get count(): number {
    return this.#count + this.#block.length
  }

  /** Rows of NaN: empty answers, which are in no mean. */
  get nEmpty(): number {
    return this.#nEmpty
  }

  /**
   * Takes a row, [dModel]. A row that is NaN throughout is an empty answer: it is counted apart and enters nothing.
   *
   * @throws CemError `activations-mismatch` for another length, `not-finite` where only some of it is NaN, or it is infinite
   */
  add(row: Float32Array | Float64Array): void {
    const { dModel } = this
    if (row.length !== dModel)
      throw mismatch(`The row has ${row.length} numbers, and dModel is ${dModel}.`)
    if (isEmptyRow(row)) {
      this.#nEmpty += 1
      return
    }
    if (this.count === 0) this.#origin = Float64Array.from(row)
    const difference = new Float64Array(dModel)
    for (let i = 0; i < dModel; i++)
      difference[i] = (row[i] as number) - (this.#origin[i] as number)
    this.#block.push(difference)
    if (this.#block.length === blockRows) this.#flush()
  }

  /**
   * Takes the rows of another one, as if they had been added here. The other keeps its own.
   *
   * @throws CemError `activations-mismatch` where dModel or kind of covariance differ
   */
  merge(other: RunningMoments): void {
    if (other.dModel !== this.dModel || other.covarianceKind !== this.covarianceKind)
      throw mismatch(
        `Moments with dModel ${other.dModel} and ${other.covarianceKind} covariance cannot be merged into ones with ${this.dModel} and ${this.covarianceKind}.`,
      )
    const given = other.state()
    const { nEmpty } = this
    this.#flush()
    if (this.#count === 0) this.#take(given)
    else if (given.count > 0) {
      const mean = given.mean.map(
        (value, i) => value + ((given.origin[i] as number) - (this.#origin[i] as number)),
      )
      const { coMoment } = given
      for (let i = 0; i < coMoment.length; i++)
        this.#coMoment[i] = (this.#coMoment[i] as number) + (coMoment[i] as number)
      this.#join(mean, given.count, [])
    }
    this.#nEmpty = nEmpty + given.nEmpty
  }

  /** [dModel]; undefined without a row. */
  mean(): Float64Array | undefined {
    this.#flush()
    if (this.#count === 0) return undefined
    return this.#mean.map((value, i) => value + (this.#origin[i] as number))
  }

  /** Divisor n - 1, [dModel]; undefined with fewer than two rows. */
  variance(): Float64Array | undefined {
    this.#flush()
    if (this.#count < 2) return undefined
    const isFull = this.covarianceKind === 'full'
    return Float64Array.from(
      { length: this.dModel },
      (_, i) => (this.#coMoment[isFull ? packedIndex(i, i) : i] as number) / (this.#count - 1),
    )
  }

  /**
   * Divisor n - 1, row-major [dModel, dModel]; undefined with fewer than two rows.
   *
   * @throws CemError `activations-mismatch` where only variances are kept
   */
  covariance(): Float64Array | undefined {
    if (this.covarianceKind !== 'full')
      throw mismatch(
        "These moments keep variances alone (covariance: 'diagonal'). Ask for variance(), or gather them with covariance: 'full'.",
      )
    this.#flush()
    if (this.#count < 2) return undefined
    const { dModel } = this
    const matrix = new Float64Array(dModel * dModel)
    for (let i = 0; i < dModel; i++)
      for (let j = 0; j <= i; j++) {
        const value = (this.#coMoment[packedIndex(i, j)] as number) / (this.#count - 1)
        matrix[i * dModel + j] = value
        matrix[j * dModel + i] = value
      }
    return matrix
  }

  /** A copy of all that there is. */
  state(): MomentsState {
    this.#flush()
    return {
      count: this.#count,
      nEmpty: this.#nEmpty,
      origin: this.#origin.slice(),
      mean: this.#mean.slice(),
      coMoment: this.#coMoment.slice(),
    }
  }

  #take({ count, nEmpty, origin, mean, coMoment }: MomentsState): void {
    this.#count = count
    this.#nEmpty = nEmpty
    this.#origin = origin.slice()
    this.#mean = mean.slice()
    this.#coMoment = coMoment.slice()
  }

  /** Takes the block in, by its own mean and the deviations from it. */
  #flush(): void {
    const rows = this.#block
    if (rows.length === 0) return
    this.#block = []
    this.#join(centre(rows), rows.length, rows)
  }

  /**
   * Chan's formula: co-moments add up, and the difference of the means adds n1 n2 / (n1 + n2) times its square.
   *
   * @param deviations of the rows that join, where their co-moment is not added yet
   */
  #join(mean: Float64Array, n: number, deviations: readonly Float64Array[]): void {
    const total = this.#count + n
    const difference = mean.map((value, i) => value - (this.#mean[i] as number))
    const root = Math.sqrt((this.#count * n) / total)
    const add = this.covarianceKind === 'full' ? addOuterProducts : addSquares
    add(this.#coMoment, [...deviations, difference.map((value) => value * root)])
    for (let i = 0; i < this.dModel; i++)
      this.#mean[i] = (this.#mean[i] as number) + ((difference[i] as number) * n) / total
    this.#count = total
  }
}

function coMomentLength(dModel: number, covariance: CovarianceKind): number {
  return covariance === 'full' ? packedIndex(dModel, 0) : dModel
}

/** Centres rows on their mean and gives it. A second pass takes off what rounding left of it. */
function centre(rows: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(rows[0]?.length ?? 0)
  for (let pass = 0; pass < 2; pass++)
    for (let i = 0; i < mean.length; i++) {
      let sum = 0
      for (const row of rows) sum += row[i] as number
      const rest = sum / rows.length
      for (const row of rows) row[i] = (row[i] as number) - rest
      mean[i] = (mean[i] as number) + rest
    }
  return mean
}

/** @throws CemError `not-finite` for a row that is neither finite nor NaN throughout */
export function isEmptyRow(row: Float32Array | Float64Array): boolean {
  let nNaN = 0
  for (let i = 0; i < row.length; i++) {
    const value = row[i] as number
    if (Number.isNaN(value)) nNaN += 1
    else if (!Number.isFinite(value))
      throw notFinite(
        `The row holds ${value} at position ${i}: an overflow, often of half precision. Extract it again in float32 or bfloat16.`,
      )
  }
  if (nNaN === 0) return false
  if (nNaN === row.length) return true
  throw notFinite(
    `The row is NaN in ${nNaN} of ${row.length} places. An empty answer is NaN throughout; this row is damaged: extract it again.`,
  )
}

function notFinite(message: string): CemError {
  return new CemError({ code: 'not-finite', message })
}

function mismatch(message: string): CemError {
  return new CemError({ code: 'activations-mismatch', message })
}
