import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '@cem/core'

/** What the free-form JSON files that training scripts leave beside adapters say about LoRA; several values where it has several. */
export interface TrainingMetadata {
  readonly file: string
  readonly rsLora: readonly boolean[]
  readonly ranks: readonly number[]
  readonly alphas: readonly number[]
  readonly bases: readonly string[]
  /** Names or paths of what it was trained on. */
  readonly data: readonly string[]
}

export interface ReadMetadata {
  readonly found: readonly TrainingMetadata[]
  /** Files that are no JSON, each with the reason. */
  readonly unreadable: readonly string[]
}

/** Their names, beside an adapter or in the folder above. */
export const metadataFiles = ['training_metadata.json', 'experiment_info.json']

/** Names that training scripts give to the same settings. */
const keys = {
  rsLora: /^(?:use_)?rs_?lora$/i,
  ranks: /^(?:lora_)?(?:r|rank)$/i,
  alphas: /^lora_?alpha$/i,
  bases: /^(?:base_?model(?:_name(?:_or_path)?)?|model_name_or_path)$/i,
  data: /^(?:train(?:ing)?_?)?(?:data|data_?set)(?:_?(?:path|file|name))?$/i,
} as const

/** Reads the metadata files of these folders; there may be none. Their layout is not fixed: known keys count wherever they stand. */
export async function readTrainingMetadata(folders: readonly string[]): Promise<ReadMetadata> {
  const found: TrainingMetadata[] = []
  const unreadable: string[] = []
  for (const folder of folders)
    for (const name of metadataFiles) {
      const file = join(folder, name)
      try {
        found.push({ file, ...settingsOf(JSON.parse(await readFile(file, 'utf8'))) })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
        unreadable.push(`${file}: ${messageOf(error)}`)
      }
    }
  return { found, unreadable }
}

function settingsOf(value: unknown): Omit<TrainingMetadata, 'file'> {
  const entries = [...entriesOf(value)]
  const valuesOf = <T>(key: RegExp, isWanted: (found: unknown) => found is T): T[] => [
    ...new Set(
      entries
        .filter(([name]) => key.test(name))
        .map(([, found]) => found)
        .filter(isWanted),
    ),
  ]
  const isNumber = (found: unknown) => typeof found === 'number'
  return {
    rsLora: valuesOf(keys.rsLora, (found) => typeof found === 'boolean'),
    ranks: valuesOf(keys.ranks, isNumber),
    alphas: valuesOf(keys.alphas, isNumber),
    bases: valuesOf(keys.bases, (found) => typeof found === 'string'),
    data: valuesOf(keys.data, (found) => typeof found === 'string'),
  }
}

function* entriesOf(value: unknown): Generator<[string, unknown]> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    yield [key, inner]
    yield* entriesOf(inner)
  }
}
