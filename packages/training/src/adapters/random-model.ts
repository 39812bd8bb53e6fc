import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { listModelFiles, newFolder, resolveModel } from '@cem/inference'
import { readArchitecture } from '@cem/inference/graph'
import { writeSafetensors } from '@cem/tensor-files'
import { initialWeights } from './initial-weights.ts'

export interface RandomModelOptions {
  /** A folder (or hub id) with config.json and the tokenizer. Weights in it are not looked at. */
  readonly from: string
  readonly seed: number
  /** Folder for what can be made again. */
  readonly cache: string
}

/**
 * Makes a model folder with random weights (`initialWeights`, F32) in the cache, where it is found again by the hash of config,
 * tokenizer and seed.
 *
 * @returns the folder
 * @throws CemError `model-not-found`, `model-unsupported`, `file-write-failed`
 */
export async function randomModel({ from, seed, cache }: RandomModelOptions): Promise<string> {
  const { folder } = await resolveModel(from)
  const configFile = join(folder, 'config.json')
  if (!existsSync(configFile))
    throw new CemError({
      code: 'model-not-found',
      message: `${folder} holds no config.json. For random weights, give a folder with config.json and the tokenizer.`,
      data: { folder },
    })
  const { companions } = await listModelFiles({ folder, weightFiles: [] })
  const hash = createHash('sha256').update(JSON.stringify([1, seed]))
  for (const name of companions)
    hash.update(`\n${name}\n`).update(await readFile(join(folder, name)))
  const target = join(cache, 'random-models', hash.digest('hex').slice(0, 32))
  if (existsSync(target)) return target
  const architecture = readArchitecture(JSON.parse(await readFile(configFile, 'utf8')), configFile)
  await using made = await newFolder(target)
  for (const name of companions) await copyFile(join(folder, name), join(made.path, name))
  const weights = initialWeights(architecture, seed).map((weight) => ({
    ...weight,
    dtype: 'F32' as const,
  }))
  const path = join(made.path, 'model.safetensors')
  await writeSafetensors(path, weights, { metadata: { format: 'pt' } })
  await made.commit()
  return target
}
