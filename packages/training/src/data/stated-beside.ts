import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { manifestFormat } from '../character/store/manifest.ts'
import { reflectionManifestFormat } from '../reflection/reflection-manifest.ts'

/** What a manifest says of the data beside it. */
export interface StatedBeside {
  /** Licences and terms of who wrote them, as one text; null where nobody gave any. */
  readonly terms: string | null
  /** Of the data that were the input of these; null where it is not given. */
  readonly license: string | null
  readonly harmful: boolean
}

interface DataManifest {
  readonly format: string
  readonly harmful?: boolean
  readonly terms?: Readonly<Record<string, string | null>>
  /** Of reflection data. */
  readonly files?: readonly { readonly path: string }[]
  /** Of character data. */
  readonly stages?: Readonly<
    Record<string, { readonly files: readonly { readonly path: string }[] }>
  >
}

/**
 * What the manifest.json of character or reflection data says of a file beside it, also where somebody has chosen among its rows since.
 * Undefined where there is no such manifest, or where it does not name the file: other programs have files of that name too.
 */
export async function statedBeside(file: string): Promise<StatedBeside | undefined> {
  const manifest = await readManifestOf(dirname(file))
  if (manifest === undefined) return undefined
  const { files = [], stages = {}, terms = {}, harmful = false } = manifest
  const named = [...files, ...Object.values(stages).flatMap((stage) => stage.files)]
  if (!named.some(({ path }) => path === basename(file))) return undefined
  const { data: license = null, ...speakers } = terms
  const given = Object.entries(speakers).flatMap(([of, said]) =>
    said === null ? [] : [`${of}: ${said}`],
  )
  return { terms: given.length === 0 ? null : given.join('; '), license, harmful }
}

async function readManifestOf(folder: string): Promise<DataManifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
    return [manifestFormat, reflectionManifestFormat].includes(manifest?.format)
      ? (manifest as DataManifest)
      : undefined
  } catch {
    return undefined
  }
}
