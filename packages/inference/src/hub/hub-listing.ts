import { CemError } from '@cem/core'
import { type HubAccess, send, withRetries } from './hub-access.ts'

/** A file of a repository on the hub. */
export interface HubFile {
  readonly path: string
  readonly sizeBytes: number
  /** The name of its content in the cache, as Python's tools name it: its SHA-256 where it is large (LFS), else git's hash. */
  readonly blob: string
  readonly hash: 'sha256' | 'git-sha1'
}

export interface HubListing {
  readonly commit: string
  readonly files: readonly HubFile[]
}

/**
 * The files of a model at a revision. The only file that touches `@huggingface/hub`, which is loaded when it is called.
 *
 * @throws HubStatus; CemError `hub-answer-invalid` for a path that would leave the cache, or a hash that is none
 */
export async function listModel(
  access: HubAccess,
  name: string,
  revision: string,
): Promise<HubListing> {
  const { listFiles, modelInfo } = await import('@huggingface/hub')
  const options = {
    hubUrl: access.endpoint,
    // Our own: it carries the token, ends with the signal, and tells statuses apart.
    fetch: ((url: string) => withRetries(access, () => send(access, url))) as typeof fetch,
  }
  const { sha } = await modelInfo({ name, revision, additionalFields: ['sha'], ...options })
  const commit = checked(/^[0-9a-f]{40}$/, sha, 'a commit')
  const files: HubFile[] = []
  for await (const entry of listFiles({
    repo: name,
    revision: commit,
    recursive: true,
    ...options,
  })) {
    if (entry.type !== 'file') continue
    const { lfs, oid } = entry
    files.push({
      path: checkedPath(entry.path),
      sizeBytes: lfs?.size ?? entry.size,
      blob:
        lfs === undefined
          ? checked(/^[0-9a-f]{40}$/, oid, 'a hash of git')
          : checked(/^[0-9a-f]{64}$/, lfs.oid, 'a SHA-256'),
      hash: lfs === undefined ? 'git-sha1' : 'sha256',
    })
  }
  return { commit, files }
}

function checked(pattern: RegExp, value: string | undefined, what: string): string {
  if (value !== undefined && pattern.test(value)) return value
  throw invalid(`${JSON.stringify(value)?.slice(0, 100)} where ${what} belongs`)
}

/** It becomes a path below the cache. */
function checkedPath(path: string): string {
  const parts = path.split('/')
  const isSafe = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (isSafe && !/[\\:\p{Cc}]/u.test(path)) return path
  throw invalid(`the file name ${JSON.stringify(path).slice(0, 200)}`)
}

function invalid(what: string): CemError {
  return new CemError({
    code: 'hub-answer-invalid',
    message: `The hub's list of files holds ${what}. Nothing was fetched.`,
  })
}
