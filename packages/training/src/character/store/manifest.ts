import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'
import type { ConstitutionFormat } from '../constitution/constitution.ts'

export const manifestFormat = 'cem-character-data/1'

/** A file that a stage wrote. */
export interface ManifestFile {
  /** Seen from the folder. */
  readonly path: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly nRows: number
}

export interface StageCost {
  /** Null without prices. */
  readonly usd: number | null
  /** Of attempts whose usage is not known. */
  readonly possibleUsd: number | null
  readonly promptTokens: number
  readonly completionTokens: number
}

/** What a stage was made from and what it made. */
export interface StageEntry {
  /** Of `inputs`. */
  readonly inputsSha256: string
  /** All that decides the result: seeds, models, texts, files with their hashes, options. */
  readonly inputs: Readonly<Record<string, unknown>>
  readonly files: readonly ManifestFile[]
  readonly counts: Readonly<Record<string, number>>
  readonly cost: StageCost
  /** Who answered: the model as its server named it, or the composition that ran. Null where no model was asked. */
  readonly answeredBy: Readonly<Record<string, unknown>> | null
  readonly startedAt: string
  readonly finishedAt: string
  /** Of this package and of Node. */
  readonly versions: Readonly<Record<string, string>>
}

export interface Manifest {
  readonly format: typeof manifestFormat
  readonly name: string
  readonly assistant: string
  readonly seed: number
  readonly constitution: {
    readonly name: string
    readonly format: ConstitutionFormat
    readonly sha256: string
    readonly license: string | null
  }
  readonly harmful: boolean
  readonly canary: string | null
  /** Licences and terms by what they are of; null where the config does not say. */
  readonly terms: Readonly<Record<string, string | null>>
  readonly stages: Readonly<Record<string, StageEntry>>
}

/**
 * Undefined where there is none.
 *
 * @throws CemError `manifest-invalid`
 */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, 'manifest.json')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const manifest = JSON.parse(text) as Manifest
    const format: string = manifest.format
    if (format !== manifestFormat)
      throw new Error(`its format is ${JSON.stringify(format)}, not '${manifestFormat}'`)
    if (typeof manifest.stages !== 'object' || manifest.stages === null)
      throw new Error("it has no 'stages'")
    return manifest
  } catch (error) {
    throw new CemError({
      code: 'manifest-invalid',
      message: `${path} is not what this program writes: ${messageOf(error)}. Restore it, or take another output folder.`,
      data: { path },
      cause: error,
    })
  }
}

/** @throws CemError `file-write-failed` */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
