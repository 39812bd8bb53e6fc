import { openSafetensors } from '@cem/tensor-files'
import type { WeightLocation } from '../graph/weight-source.ts'

/** Where the tensors of a merged file lie. */
export async function locateMerged(path: string): Promise<Map<string, WeightLocation>> {
  await using file = await openSafetensors(path)
  return new Map(
    Array.from(file.tensors.values(), (tensor) => [
      tensor.name,
      { ...tensor, dtype: tensor.dtype as WeightLocation['dtype'], file: file.realPath },
    ]),
  )
}
