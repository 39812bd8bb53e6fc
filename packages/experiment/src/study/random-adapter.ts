import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, randomSource, writeFileAtomic } from '@cem/core'
import { randomAdapter } from '@cem/direction'
import {
  float32ToBf16,
  float32ToF16,
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from '@cem/tensor-files'

/** What a random adapter shares with the adapter that it is like, module by module. */
export type RandomLikeness =
  /** The Frobenius norm of scale * B A, with factors of independent normal numbers. */
  | 'norm'
  /** All singular values of scale * B A, with random singular vectors. */
  | 'spectrum'

export interface RandomAdapterOptions {
  /** Folder of the PEFT LoRA adapter whose modules, rank, scale and norms it takes. */
  readonly like: string
  /** Folder that it is written to. */
  readonly output: string
  /** @default 0 */
  readonly seed?: number
  /** @default 'norm' */
  readonly likeness?: RandomLikeness
  /** What the change is multiplied by; `makeControlAdapter` finds the one that matches an effect. @default 1 */
  readonly dose?: number
}

/**
 * Writes a PEFT adapter of random numbers that is like another one: a control for a persona, which says what any change of that size
 * does. At dose 1 random adapters tend to change a model far less than trained ones: `makeControlAdapter` finds a dose that does
 * not, and measures both.
 *
 * @throws CemError `adapter-mismatch` where the adapter holds something else than pairs of lora_A and lora_B; those of
 *   `openSafetensors` and `randomAdapter`
 */
export async function writeRandomAdapter({
  like,
  output,
  seed = 0,
  likeness = 'norm',
  dose = 1,
}: RandomAdapterOptions): Promise<void> {
  const config = await readFile(join(like, 'adapter_config.json'), 'utf8')
  await using source = await openSafetensors(join(like, 'adapter_model.safetensors'))
  const make = likeness === 'norm' ? ofSameNorm : ofSameSpectrum
  const tensors: TensorToWrite[] = []
  for (const nameA of source.tensors.keys()) {
    const nameB = nameA.replace('.lora_A.', '.lora_B.')
    if (nameA === nameB && source.tensors.has(nameA.replace('.lora_B.', '.lora_A.'))) continue
    const [infoA, infoB] = [source.tensors.get(nameA), source.tensors.get(nameB)]
    if (nameA === nameB || infoA === undefined || infoB === undefined) throw unpaired(like, nameA)
    const [rank = 0, nIn = 0] = infoA.shape
    const [nOut = 0] = infoB.shape
    const [a, b] = [await source.readFloat32(nameA), await source.readFloat32(nameB)]
    const given = { name: nameA, a: a.data, b: b.data, rank, nIn, nOut }
    const made = make(given, { seed, dose })
    tensors.push(
      { name: nameA, dtype: infoA.dtype, shape: [rank, nIn], data: stored(made.a, infoA.dtype) },
      { name: nameB, dtype: infoB.dtype, shape: [nOut, rank], data: stored(made.b, infoB.dtype) },
    )
  }
  await mkdir(output, { recursive: true })
  await writeFileAtomic(join(output, 'adapter_config.json'), config)
  await writeSafetensors(join(output, 'adapter_model.safetensors'), tensors, {
    metadata: { format: 'pt' },
  })
}

interface Factors {
  /** [rank, nIn] */
  readonly a: Float32Array
  /** [nOut, rank] */
  readonly b: Float32Array
}

interface GivenModule extends Factors {
  readonly name: string
  readonly rank: number
  readonly nIn: number
  readonly nOut: number
}

interface Draw {
  readonly seed: number
  readonly dose: number
}

function ofSameNorm(given: GivenModule, { seed, dose }: Draw): Factors {
  const { name, rank, nIn, nOut } = given
  const random = randomSource('random-adapter', seed, name)
  const a = Float32Array.from({ length: rank * nIn }, () => random.normal())
  const b = Float32Array.from({ length: nOut * rank }, () => random.normal())
  const factor = (dose * changeNorm(given)) / changeNorm({ ...given, a, b })
  return { a, b: b.map((value) => value * factor) }
}

/** The scale multiplies all singular values of B A alike, so those of B A are matched. */
function ofSameSpectrum(given: GivenModule, { seed, dose }: Draw): Factors {
  const [made] = randomAdapter({ modules: [{ ...given, scale: 1 }], seed, dose })
  return made as Factors
}

/** The Frobenius norm of B A, without forming it: sum over r x r of (B^T B) * (A A^T). */
function changeNorm({ a, b, rank, nIn, nOut }: GivenModule): number {
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
