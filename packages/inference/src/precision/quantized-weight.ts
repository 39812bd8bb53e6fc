import { openSafetensors, type TensorInfo } from '@cem/tensor-files'
import type { Architecture } from '../families/architecture.ts'
import { linearModules } from '../families/architecture.ts'

/** The parts of a weight of 8 bits on disk; see `QuantizedRows` for their shapes. */
export interface QuantizedWeight {
  readonly values: FilePart
  readonly scales: FilePart
  readonly zeroPoints: FilePart
}

export interface FilePart {
  /** Real path of the file. */
  readonly file: string
  readonly shape: readonly number[]
  /** From the start of the file. */
  readonly byteOffset: number
  readonly byteLength: number
}

export type QuantizedWeights = ReadonlyMap<string, QuantizedWeight>

/** Names of a weight's parts in the file. In the order of names, values come before zero points. */
export const partNames = (weight: string) => ({
  values: `${weight}.values`,
  scales: `${weight}.scales`,
  zeroPoints: `${weight}.zero_points`,
})

/** The weights that are quantized: linear layers and the output head, tied or not. */
export function quantizableWeights(architecture: Architecture): ReadonlySet<string> {
  const head = architecture.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'
  return new Set([...linearModules(architecture).map(({ path }) => `${path}.weight`), head])
}

/** Where the parts of these weights lie in a quantized file; undefined where one is missing. */
export async function locateQuantized(
  path: string,
  names: Iterable<string>,
): Promise<{ weights: Map<string, QuantizedWeight>; metadata: Readonly<Record<string, string>> }> {
  await using file = await openSafetensors(path)
  const part = (name: string): FilePart => {
    const { shape, byteOffset, byteLength } = file.tensors.get(name) as TensorInfo
    return { file: file.realPath, shape, byteOffset, byteLength }
  }
  const weights = new Map<string, QuantizedWeight>()
  for (const name of names) {
    const { values, scales, zeroPoints } = partNames(name)
    if (!file.tensors.has(values)) continue
    weights.set(name, {
      values: part(values),
      scales: part(scales),
      zeroPoints: part(zeroPoints),
    })
  }
  return { weights, metadata: file.metadata }
}
