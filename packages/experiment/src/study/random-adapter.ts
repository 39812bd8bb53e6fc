import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, randomSource, writeFileAtomic } from '@cem/core'
import {
  float32ToBf16,
  float32ToF16,
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from '@cem/tensor-files'

export interface RandomAdapterOptions {
  /** Folder of the PEFT LoRA adapter whose modules, rank, scale and norms it takes. */
  readonly like: string
  /** Folder that it is written to. */
  readonly output: string
  /** @default 0 */
  readonly seed?: number
}

/**
 * Writes a PEFT adapter of independent normal numbers whose change scale * B A has, module by module, the Frobenius norm of another
 * adapter's: a control for a persona, which says what any change of that size does. Norm-matched adapters tend to change a model
 * less than trained ones of the same norm: print its effect (the self-test's, in the events) beside the persona's.
 *
 * @throws CemError `adapter-mismatch` where the adapter holds something else than pairs of lora_A and lora_B; those of
 *   `openSafetensors`
 */
export async function writeRandomAdapter({
  like,
  output,
  seed = 0,
}: RandomAdapterOptions): Promise<void> {
  const config = await readFile(join(like, 'adapter_config.json'), 'utf8')
  await using source = await openSafetensors(join(like, 'adapter_model.safetensors'))
  const tensors: TensorToWrite[] = []
  for (const nameA of source.tensors.keys()) {
    const nameB = nameA.replace('.lora_A.', '.lora_B.')
    if (nameA === nameB && source.tensors.has(nameA.replace('.lora_B.', '.lora_A.'))) continue
    const [infoA, infoB] = [source.tensors.get(nameA), source.tensors.get(nameB)]
    if (nameA === nameB || infoA === undefined || infoB === undefined) throw unpaired(like, nameA)
    const [rank = 0, nIn = 0] = infoA.shape
    const [nOut = 0] = infoB.shape
    const shape = { rank, nIn, nOut }
    const [a, b] = [await source.readFloat32(nameA), await source.readFloat32(nameB)]
    const random = randomSource('random-adapter', seed, nameA)
    const made = {
      a: Float32Array.from({ length: rank * nIn }, () => random.normal()),
      b: Float32Array.from({ length: nOut * rank }, () => random.normal()),
    }
    const factor = changeNorm({ a: a.data, b: b.data }, shape) / changeNorm(made, shape)
    tensors.push(
      { name: nameA, dtype: infoA.dtype, shape: [rank, nIn], data: stored(made.a, infoA.dtype) },
      {
        name: nameB,
        dtype: infoB.dtype,
        shape: [nOut, rank],
        data: stored(
          made.b.map((value) => value * factor),
          infoB.dtype,
        ),
      },
    )
  }
  await mkdir(output, { recursive: true })
  await writeFileAtomic(join(output, 'adapter_config.json'), config)
  await writeSafetensors(join(output, 'adapter_model.safetensors'), tensors, {
    metadata: { format: 'pt' },
  })
}

interface Matrices {
  /** [rank, nIn] */
  readonly a: Float32Array
  /** [nOut, rank] */
  readonly b: Float32Array
}

/** The Frobenius norm of B A, without forming it: sum over r x r of (B^T B) * (A A^T). */
function changeNorm(
  { a, b }: Matrices,
  { rank, nIn, nOut }: { readonly rank: number; readonly nIn: number; readonly nOut: number },
): number {
  let sum = 0
  for (let i = 0; i < rank; i++)
    for (let j = 0; j < rank; j++) {
      let aa = 0
      for (let k = 0; k < nIn; k++) aa += (a[i * nIn + k] as number) * (a[j * nIn + k] as number)
      let bb = 0
      for (let k = 0; k < nOut; k++) bb += (b[k * rank + i] as number) * (b[k * rank + j] as number)
      sum += aa * bb
    }
  // Rounding can carry the sum of a zero matrix below zero.
  return Math.sqrt(Math.max(0, sum))
}

function stored(values: Float32Array, dtype: string): Float32Array | Uint16Array {
  if (dtype === 'BF16') return float32ToBf16(values)
  return dtype === 'F16' ? float32ToF16(values) : values
}

function unpaired(folder: string, name: string): CemError {
  return new CemError({
    code: 'adapter-mismatch',
    message: `The adapter ${folder} holds ${name}, which is not one of a pair of lora_A and lora_B: no random adapter is made like it.`,
    data: { folder, name },
  })
}
