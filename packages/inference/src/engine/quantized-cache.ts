import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { WeightLocations } from '../graph/weight-source.ts'
import { identifyFile } from '../model/file-identity.ts'
import { readJson } from '../model/read-json.ts'
import type { Quantization } from '../precision/precision.ts'
import {
  locateQuantized,
  type QuantizedWeight,
  type QuantizedWeights,
} from '../precision/quantized-weight.ts'
import type { Engine } from './engine.ts'

export interface QuantizedCacheOptions {
  readonly engine: Engine
  /** The folder that caches are kept in. */
  readonly cache: string
  readonly quantization: Quantization
}

/**
 * Quantized copies of weight files, kept under what they are made of: the SHA-256 of the source, the names of the weights and
 * the quantization. A copy whose own hash is not the one that was noted when it was made is made anew.
 *
 * @param weights the weights to quantize, and where they lie
 * @throws CemError `weights-not-finite`, `file-write-failed`
 */
export async function quantizedWeights(
  weights: WeightLocations,
  options: QuantizedCacheOptions,
  signal?: AbortSignal,
): Promise<QuantizedWeights> {
  const all = new Map<string, QuantizedWeight>()
  for (const [file, ofFile] of Map.groupBy(weights, ([, location]) => location.file))
    for (const [name, weight] of await quantizedFile(file, new Map(ofFile), options, signal))
      all.set(name, weight)
  return all
}

async function quantizedFile(
  file: string,
  weights: WeightLocations,
  { engine, cache, quantization }: QuantizedCacheOptions,
  signal: AbortSignal | undefined,
): Promise<QuantizedWeights> {
  const source = await identifyFile(file, { cache, signal })
  const metadata = {
    source_sha256: source.sha256,
    quantization: JSON.stringify(quantization),
  }
  const names = [...weights.keys()].toSorted()
  const key = createHash('sha256')
    .update(JSON.stringify([metadata, names]))
    .digest('hex')
  const output = join(cache, 'int8', `${key}.safetensors`)
  const note = join(cache, 'int8', `${key}.json`)
  const known = await readCopy({ output, note, cache, names, signal })
  if (known !== undefined) return known
  await rm(note, { force: true })
  const spec = { weights, output, blockSize: quantization.blockSize, metadata }
  await engine.call('quantize', spec, { signal })
  const { sha256 } = await identifyFile(output, { cache, signal })
  await writeFileAtomic(note, JSON.stringify({ sha256 }))
  return (await locateQuantized(output, names)).weights
}

/** A copy that is whole and as it was made; undefined where there is none. */
async function readCopy({
  output,
  note,
  cache,
  names,
  signal,
}: {
  readonly output: string
  readonly note: string
  readonly cache: string
  readonly names: readonly string[]
  readonly signal: AbortSignal | undefined
}): Promise<QuantizedWeights | undefined> {
  try {
    const { sha256 } = (await readJson(note)) as { readonly sha256: unknown }
    if ((await identifyFile(output, { cache, signal })).sha256 !== sha256) return undefined
    return (await locateQuantized(output, names)).weights
  } catch {
    // No copy, or a damaged one: it is only a copy.
    signal?.throwIfAborted()
    return undefined
  }
}
