import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { messageOf } from '@cem/core'
import { readVariantFolder } from '@cem/experiment'

/** A training folder as the config is going to name it. */
export interface FoundVariant {
  readonly name: string
  /** Seen from the working folder where it lies below it. */
  readonly path: string
  readonly steps: readonly number[]
  readonly hasPersona: boolean
  /** Whether its checkpoints say how the persona took part in training. */
  readonly isRecorded: boolean
  readonly baseNames: readonly string[]
}

/** Folders below `outputs/` that hold checkpoints. */
export async function suggestVariants(folder = 'outputs'): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  const found: string[] = []
  for (const name of names.toSorted((a, b) => a.localeCompare(b))) {
    const path = join(folder, name)
    if (await hasCheckpoints(path)) found.push(path)
  }
  return found
}

async function hasCheckpoints(path: string): Promise<boolean> {
  return readVariantFolder(path).then(
    () => true,
    () => false,
  )
}

/** Looks at training folders; those that cannot be read come with the reason. */
export async function findVariants(
  paths: readonly string[],
): Promise<{ readonly found: readonly FoundVariant[]; readonly problems: readonly string[] }> {
  const found: FoundVariant[] = []
  const problems: string[] = []
  for (const path of paths) {
    try {
      const { checkpoints, persona } = await readVariantFolder(path)
      found.push({
        name: nameOf(path),
        path: shownPath(path),
        steps: checkpoints.map(({ step }) => step),
        hasPersona: persona !== undefined,
        isRecorded: checkpoints.every(({ record }) => record !== undefined),
        baseNames: await baseNames([...checkpoints.map((one) => one.path), persona]),
      })
    } catch (error) {
      problems.push(messageOf(error))
    }
  }
  return { found, problems }
}

/** Names of files and folders are made of it. */
function nameOf(path: string): string {
  return basename(resolve(path)).replaceAll(/[^\w.-]+/g, '_')
}

function shownPath(path: string): string {
  const below = relative('.', path)
  return below === '' || below.startsWith('..') ? resolve(path) : below
}

/** What the adapters call their base. */
async function baseNames(folders: readonly (string | undefined)[]): Promise<string[]> {
  const names = new Set<string>()
  for (const folder of folders) {
    const file = folder === undefined ? '' : join(folder, 'adapter_config.json')
    if (!existsSync(file)) continue
    const text = await readFile(file, 'utf8')
    const { base_model_name_or_path: name } = JSON.parse(text) as Record<string, unknown>
    if (typeof name === 'string' && name !== '') names.add(name)
  }
  return [...names]
}
