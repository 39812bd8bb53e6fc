import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import type { StageEntry } from '../character/store/manifest.ts'

export const reflectionManifestFormat = 'cem-reflection-data/1'

/** `manifest.json` of a folder of reflection data. */
export interface ReflectionManifest extends StageEntry {
  readonly format: typeof reflectionManifestFormat
  readonly name: string
  readonly harmful: boolean
  readonly terms: Readonly<Record<string, string | null>>
}

/**
 * Undefined where there is none.
 *
 * @throws CemError `manifest-invalid`
 */
export async function readReflectionManifest(
  folder: string,
): Promise<ReflectionManifest | undefined> {
  const path = join(folder, 'manifest.json')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const manifest = JSON.parse(text) as ReflectionManifest
    if (manifest.format === reflectionManifestFormat) return manifest
  } catch {}
  throw new CemError({
    code: 'manifest-invalid',
    message: `${path} is not that of reflection data. Take another output folder.`,
    data: { path },
  })
}

/** Whether all files that a manifest names are there. */
export function areFilesThere(folder: string, { files }: ReflectionManifest): boolean {
  return files.every(({ path }) => existsSync(join(folder, path)))
}
