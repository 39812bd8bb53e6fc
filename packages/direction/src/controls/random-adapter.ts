import { CemError, randomKey } from '@cem/core'
import { gramOfRows } from '../directions/dense.ts'
import { semidefiniteEigenpairs } from '../directions/symmetric-eigen.ts'
import { checkNotNegative, checkPositive } from '../options.ts'
import { normals } from './normals.ts'

/** The two factors of one module of a LoRA adapter: W + scale * B A. */
export interface AdapterModule {
  /** For instance `model.layers.3.mlp.down_proj`. */
  readonly name: string
  /** Row-major, shape [rank, nIn]. */
  readonly a: Float32Array
  /** Row-major, shape [nOut, rank]. */
  readonly b: Float32Array
  readonly rank: number
  /** What B A is multiplied with: alpha / rank, or alpha / sqrt(rank) for rsLoRA. */
  readonly scale: number
}

export interface RandomAdapterOptions {
  readonly modules: Iterable<AdapterModule>
  readonly seed: string | number
  /** What the singular values are multiplied with: 1 matches the weights' norm, `findDose` finds what matches an effect. */
  readonly dose?: number
}

export interface RandomAdapterModule extends AdapterModule {
  /** Singular values of scale * B A of the given adapter, by falling size, shape [rank]; the random one has dose times these. */
  readonly singularValues: Float64Array
}

/**
 * A control adapter: module for module the singular values of scale * B A, times the dose, with random singular vectors. It
 * moves the weights as far as the adapter does, in directions that mean nothing. At dose 1 such adapters are nearly inert,
 * since trained directions meet the activations and random ones do not: find the dose with `findDose`. Modules are made one at a
 * time; B is 0 where the given module is untrained.
 *
 * @throws CemError `shape-mismatch`, `not-finite`, `bad-option`, `duplicate-name` (modules of one name would get the same directions)
 */
export function* randomAdapter({
  modules,
  seed,
  dose = 1,
}: RandomAdapterOptions): Generator<RandomAdapterModule> {
  checkNotNegative('dose', dose)
  const names = new Set<string>()
  for (const module of modules) {
    const { name, rank, scale } = module
    checkNew(names, name)
    const { nIn, nOut } = checkModule(module)
    const singularValues = singularValuesOf(module, nIn, nOut)
    // A module narrower than the rank has no more directions than its width; the other rows stay 0.
    const nDirections = Math.min(rank, nIn, nOut)
    const left = orthonormalRows(nDirections, nOut, 'left', name, seed)
    const right = orthonormalRows(nDirections, nIn, 'right', name, seed)
    // Half of each singular value in both factors, as far as the dose and the scale allow.
    const roots = singularValues.map((value) => Math.sqrt((value * dose) / scale))
    const a = new Float32Array(rank * nIn)
    for (const [i, value] of right.entries()) a[i] = value * (roots[Math.floor(i / nIn)] as number)
    const b = new Float32Array(nOut * rank)
    for (let row = 0; row < nOut; row++)
      for (let r = 0; r < nDirections; r++)
        b[row * rank + r] = (left[r * nOut + row] as number) * (roots[r] as number)
    yield { name, a, b, rank, scale, singularValues }
  }
}

/**
 * Singular values of scale * B A through r x r matrices: those of B A are the square roots of the eigenvalues of
 * R (B^T B) R with R the symmetric root of A A^T.
 */
function singularValuesOf(
  { a, b, rank, scale }: AdapterModule,
  nIn: number,
  nOut: number,
): Float64Array {
  const ofA = semidefiniteEigenpairs(gramOfRows(Float64Array.from(a), rank, nIn), rank)
  const ofB = gramOfRows(transposed(b, nOut, rank), rank, nOut)
  const n = ofA.length
  const product = new Float64Array(n * n)
  for (const [i, first] of ofA.entries())
    for (const [j, second] of ofA.entries()) {
      let sum = 0
      for (let p = 0; p < rank; p++)
        for (let q = 0; q < rank; q++)
          sum +=
            (first.vector[p] as number) *
            (ofB[p * rank + q] as number) *
            (second.vector[q] as number)
      product[i * n + j] = Math.sqrt(first.value * second.value) * sum
    }
  const values = new Float64Array(rank)
  for (const [index, { value }] of semidefiniteEigenpairs(product, n).entries())
    values[index] = scale * Math.sqrt(value)
  return values
}

/** Random orthonormal rows, shape [rank, n]: normal numbers, orthogonalised twice (Gram-Schmidt), which is uniform. */
function orthonormalRows(
  rank: number,
  n: number,
  side: 'left' | 'right',
  name: string,
  seed: string | number,
): Float64Array {
  const values = normals(randomKey('random-adapter', seed, name, side), rank * n)
  for (let row = 0; row < rank; row++) {
    const own = values.subarray(row * n, (row + 1) * n)
    for (let pass = 0; pass < 2; pass++)
      for (let other = 0; other < row; other++)
        subtractProjection(own, values.subarray(other * n, (other + 1) * n))
    let square = 0
    for (const value of own) square += value * value
    const length = Math.sqrt(square)
    for (let i = 0; i < n; i++) own[i] = (own[i] as number) / length
  }
  return values
}

function subtractProjection(own: Float64Array, unit: Float64Array): void {
  let product = 0
  for (let i = 0; i < own.length; i++) product += (own[i] as number) * (unit[i] as number)
  for (let i = 0; i < own.length; i++) own[i] = (own[i] as number) - product * (unit[i] as number)
}

function transposed(matrix: Float32Array, nRows: number, nColumns: number): Float64Array {
  const result = new Float64Array(matrix.length)
  for (let row = 0; row < nRows; row++)
    for (let column = 0; column < nColumns; column++)
      result[column * nRows + row] = matrix[row * nColumns + column] as number
  return result
}

function checkNew(names: Set<string>, name: string): void {
  if (names.has(name))
    throw new CemError({
      code: 'duplicate-name',
      message: `Two modules are named ${JSON.stringify(name)}; give their full paths.`,
      data: { name },
    })
  names.add(name)
}

function checkModule({ name, a, b, rank, scale }: AdapterModule): { nIn: number; nOut: number } {
  checkPositive(`scale of ${name}`, scale)
  const nIn = a.length / rank
  const nOut = b.length / rank
  const isWhole = (value: number) => Number.isSafeInteger(value) && value >= 1
  if (!Number.isSafeInteger(rank) || rank < 1 || !isWhole(nIn) || !isWhole(nOut))
    throw new CemError({
      code: 'shape-mismatch',
      message: `Module ${name} has rank ${rank}, A of ${a.length} and B of ${b.length} numbers; A must be [rank, nIn] and B [nOut, rank].`,
      data: { name, rank, a: a.length, b: b.length },
    })
  for (const [factor, values] of [['A', a] as const, ['B', b] as const])
    if (!values.every(Number.isFinite))
      throw new CemError({
        code: 'not-finite',
        message: `${factor} of module ${name} holds numbers that are not finite.`,
        data: { name, factor },
      })
  return { nIn, nOut }
}
