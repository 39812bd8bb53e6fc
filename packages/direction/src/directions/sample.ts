import type { CheckedContrast, ContrastRows } from './contrast-rows.ts'

/** Finite rows with their labels, centred at their mean: what the fits compute with. */
export interface Sample {
  /** Row-major, shape [nRows, nColumns]. */
  readonly values: Float64Array
  readonly nRows: number
  /** dModel, or fewer where rows were turned into coordinates of their span. */
  readonly nColumns: number
  /** The true number of dimensions, for formulas that need it. */
  readonly dModel: number
  /** What was taken from every row to centre them, shape [nColumns]. */
  readonly mean: Float64Array
  /** 1 for rows with, 0 for rows without. Shape [nRows]. */
  readonly labels: Uint8Array
  /** Index of the question of every row. Shape [nRows]. */
  readonly questions: Int32Array
  readonly questionNames: readonly string[]
}

export function sampleOf(
  contrast: ContrastRows,
  { kept, dModel }: Pick<CheckedContrast, 'kept' | 'dModel'>,
): Sample {
  const nRows = kept.length
  const values = new Float64Array(nRows * dModel)
  for (const [index, { side, row }] of kept.entries())
    values.set(contrast[side].rows.subarray(row * dModel, (row + 1) * dModel), index * dModel)
  const mean = centre(values, nRows, dModel)
  const questionNames = [...new Set(kept.map(({ question }) => question))].toSorted()
  const indexOf = new Map(questionNames.map((name, index) => [name, index]))
  return {
    values,
    nRows,
    nColumns: dModel,
    dModel,
    mean,
    labels: Uint8Array.from(kept, ({ side }) => (side === 'with' ? 1 : 0)),
    questions: Int32Array.from(kept, ({ question }) => indexOf.get(question) as number),
    questionNames,
  }
}

/** The rows at these indices, centred anew. */
export function subsetOf(sample: Sample, indices: readonly number[]): Sample {
  const { nColumns } = sample
  const values = new Float64Array(indices.length * nColumns)
  for (const [index, row] of indices.entries())
    values.set(sample.values.subarray(row * nColumns, (row + 1) * nColumns), index * nColumns)
  const mean = centre(values, indices.length, nColumns)
  addRow(mean, sample.mean, 0, 1)
  return {
    ...sample,
    values,
    mean,
    nRows: indices.length,
    labels: Uint8Array.from(indices, (row) => sample.labels[row] as number),
    questions: Int32Array.from(indices, (row) => sample.questions[row] as number),
  }
}

/** Means of both sides, shape [nColumns] each. */
export function sideMeans(sample: Sample): { without: Float64Array; with: Float64Array } {
  const { values, nRows, nColumns, labels } = sample
  const sums = { without: new Float64Array(nColumns), with: new Float64Array(nColumns) }
  const counts = { without: 0, with: 0 }
  for (let row = 0; row < nRows; row++) {
    const side = labels[row] === 1 ? 'with' : 'without'
    addRow(sums[side], values, row * nColumns, 1)
    counts[side]++
  }
  return {
    without: sums.without.map((sum) => sum / counts.without),
    with: sums.with.map((sum) => sum / counts.with),
  }
}

/** Root mean square length of the centred rows. */
export function spreadOf({ values, nRows }: Sample): number {
  let squares = 0
  for (const value of values) squares += value * value
  return Math.sqrt(squares / nRows)
}

/** Means that differ by less than this share of the rows' spread differ by the order of their sums alone. */
export const roundingOfMeans = 1e-13

/** mean(with) - mean(without), shape [nColumns]. */
export function displacementOf(sample: Sample): Float64Array {
  const means = sideMeans(sample)
  return means.with.map((value, i) => value - (means.without[i] as number))
}

/** The values with the mean of its side taken from every row, shape [nRows, nColumns]. */
export function withinSides(sample: Sample): Float64Array {
  const means = sideMeans(sample)
  const values = sample.values.slice()
  for (let row = 0; row < sample.nRows; row++) {
    const mean = sample.labels[row] === 1 ? means.with : means.without
    for (let i = 0, at = row * sample.nColumns; i < sample.nColumns; i++, at++)
      values[at] = (values[at] as number) - (mean[i] as number)
  }
  return values
}

/** target += weight * the row that begins at `start`. */
export function addRow(
  target: Float64Array,
  values: Float64Array,
  start: number,
  weight: number,
): void {
  for (let i = 0; i < target.length; i++)
    target[i] = (target[i] as number) + weight * (values[start + i] as number)
}

/** Takes the mean row from every row, in place, and gives it: large means cost digits in products. */
function centre(values: Float64Array, nRows: number, nColumns: number): Float64Array {
  // Sums first: float32 rows that are all the same then give exactly their mean, and zeros.
  const sums = new Float64Array(nColumns)
  for (let row = 0; row < nRows; row++) addRow(sums, values, row * nColumns, 1)
  const mean = sums.map((sum) => sum / nRows)
  for (let row = 0; row < nRows; row++)
    for (let i = 0, at = row * nColumns; i < nColumns; i++, at++)
      values[at] = (values[at] as number) - (mean[i] as number)
  return mean
}
