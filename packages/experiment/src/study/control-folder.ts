import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { identifyFile } from '@cem/inference'
import type { LoadedConfig } from '../config/load-config.ts'
import type { RandomConfig } from '../config/schema.ts'

export interface ControlFolderOptions {
  readonly random: RandomConfig
  /** Folder of the adapter that it is like. */
  readonly like: string
  /** The base that its effect is measured on. */
  readonly base: string
  readonly cache?: string | undefined
}

/**
 * Where a run keeps the random adapter of a variant: below its store, by a hash of what it is made from. Variants that ask for the
 * same share one, and one that is made from something else is another adapter, which the run's lock tells.
 */
export async function controlFolder(
  { resultsFolder, name, config }: LoadedConfig,
  { random, like, base, cache }: ControlFolderOptions,
): Promise<string> {
  const { sha256 } = await identifyFile(join(resolve(like), 'adapter_model.safetensors'), { cache })
  const { benign } = config.questions
  const parts = { ...random, sha256, base, precision: config.precision, benign }
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
  return join(resultsFolder, '.cem', name, 'controls', key)
}
