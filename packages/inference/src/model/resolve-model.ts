import { readFile, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { CemError } from '@cem/core'

/** A model folder and what it is called. */
export interface ResolvedModel {
  /** The hub id where there is one, else the reference as it was given. */
  readonly name: string
  readonly folder: string
  /** The commit of a hub snapshot. */
  readonly revision?: string
}

export interface ResolveModelOptions {
  /** Where the hub's variables are looked up. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

const hubId = /^[\w.-]+\/[\w.-]+(@[\w./-]+)?$/

/**
 * Finds a model's folder: a path to one, or a hub id such as `Qwen/Qwen2.5-7B-Instruct` or `ORG/NAME@REVISION`, looked up in
 * the Hugging Face cache (HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub) through refs and snapshots.
 * Nothing is downloaded.
 *
 * @throws CemError `model-not-found`, with the command that fetches it
 */
export async function resolveModel(
  reference: string,
  { environment = process.env }: ResolveModelOptions = {},
): Promise<ResolvedModel> {
  if (await isFolder(reference)) return nameFolder(reference)
  if (!hubId.test(reference))
    throw new CemError({
      code: 'model-not-found',
      message: `There is no model folder '${reference}', and it is no hub id (ORG/NAME or ORG/NAME@REVISION) either.`,
      data: { reference },
    })
  const [name = '', revision = 'main'] = reference.split('@')
  const cache = hubCache(environment)
  const repository = join(cache, `models--${name.replace('/', '--')}`)
  const commit = await readCommit(repository, revision)
  const folder = join(repository, 'snapshots', commit)
  if (await isFolder(folder)) return { name, folder, revision: commit }
  const flag = revision === 'main' ? '' : ` --revision ${revision}`
  throw new CemError({
    code: 'model-not-found',
    message:
      `The model ${reference} is not in the Hugging Face cache at ${cache}. ` +
      `Fetch it with: cem pull ${reference}, or hf download ${name}${flag} (or set HF_HUB_CACHE to the cache that has it).`,
    data: { reference, cache },
  })
}

/** The folder that holds `models--ORG--NAME` folders. */
export function hubCache(environment: Readonly<Record<string, string | undefined>>): string {
  const explicit = environment['HF_HUB_CACHE'] ?? environment['HUGGINGFACE_HUB_CACHE']
  if (explicit) return explicit
  const cacheHome = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(environment['HF_HOME'] || join(cacheHome, 'huggingface'), 'hub')
}

/** A revision's commit; a name with no ref is taken for a commit itself. */
async function readCommit(repository: string, revision: string): Promise<string> {
  try {
    return (await readFile(join(repository, 'refs', revision), 'utf8')).trim()
  } catch {
    return revision
  }
}

/** Folders inside a hub cache keep the id that they came under. */
async function nameFolder(reference: string): Promise<ResolvedModel> {
  const folder = await realpath(reference)
  const snapshots = dirname(folder)
  const repository = basename(dirname(snapshots))
  if (basename(snapshots) !== 'snapshots' || !repository.startsWith('models--'))
    return { name: reference, folder }
  const name = repository.slice('models--'.length).replace('--', '/')
  return { name, folder, revision: basename(folder) }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
