import { copyFile, mkdir, rm, stat, statfs, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import { hubCache } from '../model/resolve-model.ts'
import { fetchBlob, hasBlob } from './fetch-blob.ts'
import { type HubAccess, hubAccess, toHubError } from './hub-access.ts'
import { type HubFile, type HubListing, listModel } from './hub-listing.ts'
import { neededFiles } from './needed-files.ts'

export interface PullModelOptions {
  /** Every file of the repository instead of those that running takes. @default false */
  readonly all?: boolean
  /** Where the hub's variables are looked up. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
  /** Requests in a row that may fail, without a byte got, before it is given up. @default 6 */
  readonly maxAttempts?: number
  /** The wait after the first failure, in milliseconds; it doubles with each. @default 1_000 */
  readonly baseDelayInMs?: number
  /** How long the hub may send nothing, in milliseconds. @default 60_000 */
  readonly stallTimeoutInMs?: number
}

export type PullEvent =
  | {
      readonly type: 'pull-start'
      readonly name: string
      readonly commit: string
      readonly nFiles: number
      /** Of all files, those that are there already as well. */
      readonly totalBytes: number
    }
  | {
      readonly type: 'pull-progress'
      readonly path: string
      /** Of all files together; never falls. */
      readonly doneBytes: number
      readonly totalBytes: number
    }
  | {
      readonly type: 'file-end'
      readonly path: string
      readonly sizeBytes: number
      /** `fetched`: its hash was checked; `cached`: it was there already. */
      readonly status: 'fetched' | 'cached'
    }
  | { readonly type: 'pull-end'; readonly folder: string; readonly commit: string }

const reference = /^([\w.-]+\/[\w.-]+)(?:@([\w][\w./-]*))?$/

/**
 * Fetches a model or an adapter from the Hugging Face hub into the hub's cache, where `resolveModel` and Python's tools find it:
 * `blobs/` by hash, `snapshots/COMMIT/` with links to them, `refs/REVISION`. Interrupted, it goes on where it was; every
 * file's hash is checked before it gets its name, and the snapshot's ref is written last.
 *
 * @param id `ORG/NAME` or `ORG/NAME@REVISION` (a branch, a tag or a commit)
 * @throws CemError `hub-reference-invalid`, `hub-offline`, `hub-not-found`, `hub-unauthorized`, `hub-gated`, `hub-no-weights`,
 *   `hub-hash-mismatch`, `hub-request-failed`, `hub-answer-invalid`, `disk-full`, `file-write-failed`; `signal.reason`
 */
export async function* pullModel(
  id: string,
  {
    all = false,
    environment = process.env,
    signal,
    maxAttempts = 6,
    baseDelayInMs = 1_000,
    stallTimeoutInMs = 60_000,
  }: PullModelOptions = {},
): AsyncGenerator<PullEvent, void> {
  const [, name = '', revision = 'main'] = reference.exec(id) ?? []
  if (name === '' || revision.split('/').includes('..')) throw invalidReference(id)
  signal?.throwIfAborted()
  const patience = { signal, maxAttempts, baseDelayInMs, stallTimeoutInMs }
  const access = await hubAccess(environment, patience)
  const repository = join(hubCache(environment), `models--${name.replace('/', '--')}`)
  try {
    const listing = await listModel(access, name, revision)
    const files = all ? listing.files : neededFiles(listing.files, name)
    yield* pullFiles(access, name, repository, { ...listing, files })
    if (revision !== listing.commit)
      await writeFileAtomic(join(repository, 'refs', revision), listing.commit)
    const folder = join(repository, 'snapshots', listing.commit)
    yield { type: 'pull-end', folder, commit: listing.commit }
  } catch (error) {
    signal?.throwIfAborted()
    throw toHubError(error, access, name)
  }
}

async function* pullFiles(
  access: HubAccess,
  name: string,
  repository: string,
  { commit, files }: HubListing,
): AsyncGenerator<PullEvent, void> {
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  yield { type: 'pull-start', name, commit, nFiles: files.length, totalBytes }
  await mkdir(join(repository, 'blobs'), { recursive: true })
  await checkRoom(repository, files)
  let doneBytes = 0
  for (const file of files) {
    access.signal?.throwIfAborted()
    const target = join(repository, 'blobs', file.blob)
    const isCached = await hasBlob(target, file)
    if (!isCached) {
      const url = `${access.endpoint}/${name}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`
      const before = doneBytes
      const fetching = progressOf(access, (own, onProgress) =>
        fetchBlob({ access: own, url, file, target, onProgress }),
      )
      for await (const done of fetching) {
        // A file that had to begin again is not counted back.
        doneBytes = Math.max(doneBytes, before + done)
        yield { type: 'pull-progress', path: file.path, doneBytes, totalBytes }
      }
      doneBytes = before
    }
    await link(target, join(repository, 'snapshots', commit, file.path))
    doneBytes += file.sizeBytes
    yield {
      type: 'file-end',
      path: file.path,
      sizeBytes: file.sizeBytes,
      status: isCached ? 'cached' : 'fetched',
    }
  }
}

/** Shortest time between two reports of progress. */
const reportIntervalInMs = 100

/**
 * What a piece of work reports, as it reports it, though not more often than someone can read. Leaving the loop aborts it and
 * waits until it has ended.
 */
async function* progressOf(
  access: HubAccess,
  work: (access: HubAccess, report: (done: number) => void) => Promise<void>,
): AsyncGenerator<number, void> {
  const left = new AbortController()
  const signals = [access.signal, left.signal].filter((one) => one !== undefined)
  let latest: number | undefined
  let isDone = false
  let wake: () => void = () => undefined
  const running = work({ ...access, signal: AbortSignal.any(signals) }, (done) => {
    latest = done
    wake()
  }).finally(() => {
    isDone = true
    wake()
  })
  running.catch(() => undefined)
  let nextReport = 0
  try {
    for (;;) {
      await new Promise<void>((resolve) => {
        wake = resolve
        if (isDone || latest !== undefined) resolve()
      })
      if (isDone) break
      if (latest === undefined) continue
      const done = latest
      latest = undefined
      const now = performance.now()
      if (now < nextReport) continue
      nextReport = now + reportIntervalInMs
      yield done
    }
    await running
  } finally {
    left.abort(new Error('nobody waits for the file any more'))
    await running.catch(() => undefined)
  }
}

/** @throws CemError `disk-full` before anything is fetched that would not fit */
async function checkRoom(repository: string, files: readonly HubFile[]): Promise<void> {
  let missing = 0
  for (const file of files) {
    const target = join(repository, 'blobs', file.blob)
    if (await hasBlob(target, file)) continue
    const there = await stat(`${target}.incomplete`).then(
      ({ size }) => size,
      () => 0,
    )
    missing += Math.max(0, file.sizeBytes - there)
  }
  const { bavail, bsize } = await statfs(repository)
  const free = bavail * bsize
  if (missing <= free) return
  throw new CemError({
    code: 'disk-full',
    message: `${missing} bytes are to be fetched, and the disk of ${repository} has ${free} free. Make room, or set HF_HUB_CACHE to another disk.`,
    data: { missingBytes: missing, freeBytes: free },
  })
}

/** A link to the blob, relative as Python's tools make it; a copy where the system allows no links. */
async function link(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await rm(path, { force: true })
  try {
    await symlink(relative(dirname(path), blob), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    await copyFile(blob, path)
  }
}

function invalidReference(id: string): CemError {
  return new CemError({
    code: 'hub-reference-invalid',
    message: `'${id}' is no model of the hub. Write it as ORG/NAME or ORG/NAME@REVISION, such as Qwen/Qwen2.5-7B-Instruct.`,
    data: { id },
  })
}
