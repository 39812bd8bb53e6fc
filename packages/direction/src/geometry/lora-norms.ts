import { checkModules, type LoraMatrices, type LoraModules } from './lora-checkpoint.ts'
import { cholesky, columnProducts, largestEigenvalue, rowProducts } from './small-matrices.ts'

export interface MatrixNorms {
  /** Root of the sum of squares. */
  readonly frobenius: number
  /** Largest singular value. */
  readonly spectral: number
}

export interface LoraNorms {
  readonly a: MatrixNorms
  readonly b: MatrixNorms
  /** Of the weight's change, scale * B A. */
  readonly change: MatrixNorms
}

export interface AdapterNorms extends LoraNorms {
  readonly modules: ReadonlyMap<string, LoraNorms>
}

/**
 * Norms of an adapter's A, B and scale * B A, for each module and for all of them as one block-diagonal matrix: the root of the
 * sum of squared Frobenius norms, and the largest spectral norm. B A is never formed: with the r x r matrices P = A A^T and
 * Q = B^T B, its squared Frobenius norm is trace(Q P), and its squared singular values are the eigenvalues of L^T Q L, P = L L^T.
 *
 * @throws CemError `bad-option`, `shape-mismatch`, `not-finite`
 */
export function loraNorms(modules: LoraModules): AdapterNorms {
  checkModules('the adapter', modules)
  const each = new Map(Array.from(modules, ([name, matrices]) => [name, moduleNorms(matrices)]))
  const all = [...each.values()]
  return {
    a: together(all.map(({ a }) => a)),
    b: together(all.map(({ b }) => b)),
    change: together(all.map(({ change }) => change)),
    modules: each,
  }
}

function moduleNorms({ a, b, rank, nIn, nOut, scale }: LoraMatrices): LoraNorms {
  const p = rowProducts(a, a, nIn)
  const q = columnProducts(b, b, nOut)
  const factor = cholesky({ n: rank, data: p })
  const inner = columnProducts(factor, rowProducts(q, transposed(factor, rank), rank), rank)
  let trace = 0
  for (let i = 0; i < p.length; i++) trace += (p[i] as number) * (q[i] as number)
  const size = Math.abs(scale)
  return {
    a: gramNorms(p, rank),
    b: gramNorms(q, rank),
    change: {
      frobenius: size * Math.sqrt(Math.max(0, trace)),
      spectral: size * Math.sqrt(largestEigenvalue({ n: rank, data: inner })),
    },
  }
}

function gramNorms(gram: Float64Array, n: number): MatrixNorms {
  let trace = 0
  for (let i = 0; i < n; i++) trace += gram[i * n + i] as number
  return {
    frobenius: Math.sqrt(trace),
    spectral: Math.sqrt(largestEigenvalue({ n, data: gram })),
  }
}

function transposed(data: Float64Array, n: number): Float64Array {
  return data.map((_, i) => data[(i % n) * n + Math.floor(i / n)] as number)
}

function together(norms: readonly MatrixNorms[]): MatrixNorms {
  return {
    frobenius: Math.hypot(...norms.map(({ frobenius }) => frobenius)),
    spectral: Math.max(...norms.map(({ spectral }) => spectral)),
  }
}
