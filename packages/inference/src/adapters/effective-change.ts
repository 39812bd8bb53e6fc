import { openSafetensors } from '@cem/tensor-files'
import type { Adapter, AdapterModule } from './open-adapter.ts'

/** An adapter's matrices in memory, for comparisons. */
export interface AdapterMatrices {
  readonly modules: ReadonlyMap<
    string,
    { readonly module: AdapterModule; readonly a: Float32Array; readonly b: Float32Array }
  >
}

/** Reads the matrices of an adapter as 32-bit floats. */
export async function readAdapterMatrices(adapter: Adapter): Promise<AdapterMatrices> {
  const modules = new Map<string, { module: AdapterModule; a: Float32Array; b: Float32Array }>()
  const file = adapter.modules[0]?.a.file
  if (file === undefined) return { modules }
  await using weights = await openSafetensors(file)
  for (const module of adapter.modules) {
    const prefix = `base_model.model.${module.path}`
    const a = await weights.readFloat32(`${prefix}.lora_A.weight`)
    const b = await weights.readFloat32(`${prefix}.lora_B.weight`)
    modules.set(module.path, { module, a: a.data, b: b.data })
  }
  return { modules }
}

/**
 * The cosine between the changes scale * B A that two adapters make to the weights, over all modules, or undefined where
 * either changes nothing. Raw A and B hardly leave their initialisation and would look alike. Computed without forming B A:
 * <B1 A1, B2 A2> = sum over r1 x r2 of (B1^T B2) * (A1 A2^T).
 */
export function effectiveChangeCosine(x: AdapterMatrices, y: AdapterMatrices): number | undefined {
  const norm = Math.sqrt(innerProduct(x, x) * innerProduct(y, y))
  return norm === 0 ? undefined : innerProduct(x, y) / norm
}

/** The Frobenius norm of all of an adapter's changes. */
export function effectiveChangeNorm(x: AdapterMatrices): number {
  return Math.sqrt(innerProduct(x, x))
}

function innerProduct(x: AdapterMatrices, y: AdapterMatrices): number {
  let sum = 0
  for (const [path, p] of x.modules) {
    const q = y.modules.get(path)
    if (q === undefined) continue
    const { nIn, nOut, rank, scale } = p.module
    const other = q.module.rank
    let trace = 0
    for (let i = 0; i < rank; i++)
      for (let j = 0; j < other; j++) {
        let aa = 0
        for (let k = 0; k < nIn; k++)
          aa += (p.a[i * nIn + k] as number) * (q.a[j * nIn + k] as number)
        let bb = 0
        for (let k = 0; k < nOut; k++)
          bb += (p.b[k * rank + i] as number) * (q.b[k * other + j] as number)
        trace += aa * bb
      }
    sum += trace * scale * q.module.scale
  }
  return sum
}
