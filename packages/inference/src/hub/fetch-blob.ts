import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'
import { type HubAccess, HubStatus, send, withRetries } from './hub-access.ts'
import type { HubFile } from './hub-listing.ts'

export interface FetchBlobOptions {
  readonly access: HubAccess
  readonly url: string
  readonly file: HubFile
  /** Where the content goes; until it is whole it has `.incomplete` behind its name, as Python's tools name it. */
  readonly target: string
  readonly onProgress: (doneBytes: number) => void
}

/**
 * Fetches a file's content, goes on with what an earlier attempt left, and checks the hash of the whole before it gets its name.
 *
 * @throws CemError `hub-hash-mismatch` (what was fetched is deleted), `disk-full` and `file-write-failed` (it is kept); HubStatus
 */
export async function fetchBlob(options: FetchBlobOptions): Promise<void> {
  const { access, file, target } = options
  const partial = `${target}.incomplete`
  const handle = await open(partial, 'a+').catch((error) => {
    throw writeFailed(partial, file, error)
  })
  let isRight: boolean
  try {
    const part = new Part(options, handle, partial)
    await part.readBack()
    await withRetries(
      access,
      () => part.fetchRest(),
      () => part.size,
    )
    isRight = part.isRight()
    if (isRight) await part.sync()
  } finally {
    await handle.close()
  }
  if (!isRight) {
    await rm(partial, { force: true })
    throw mismatch(file)
  }
  await rename(partial, target)
}

/** Whether the content is there already, as far as its size tells. */
export async function hasBlob(target: string, { sizeBytes }: HubFile): Promise<boolean> {
  try {
    return (await stat(target)).size === sizeBytes
  } catch {
    return false
  }
}

/** The beginning of a file, and the hash so far. */
class Part {
  readonly #options: FetchBlobOptions
  readonly #handle: FileHandle
  readonly #path: string
  #hash: Hash
  size = 0

  constructor(options: FetchBlobOptions, handle: FileHandle, path: string) {
    this.#options = options
    this.#handle = handle
    this.#path = path
    this.#hash = startHash(options.file)
  }

  /** Takes what is there from before into the hash. */
  async readBack(): Promise<void> {
    const { access, file, onProgress } = this.#options
    const { size } = await this.#handle.stat()
    if (size > file.sizeBytes) await this.#restart()
    const buffer = new Uint8Array(Math.min(size, 4 * 2 ** 20))
    while (this.size < size && size <= file.sizeBytes) {
      access.signal?.throwIfAborted()
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.byteLength, this.size)
      if (bytesRead === 0) break
      this.#hash.update(buffer.subarray(0, bytesRead))
      this.size += bytesRead
    }
    if (this.size > 0) onProgress(this.size)
  }

  async fetchRest(): Promise<void> {
    const { access, url, file, onProgress } = this.#options
    if (this.size === file.sizeBytes) return
    const stall = new StallTimer(access.stallTimeoutInMs)
    try {
      const range = this.size === 0 ? {} : { range: `bytes=${this.size}-` }
      const headers = { 'accept-encoding': 'identity', ...range }
      const response = await send(access, url, headers, stall.signal)
      const start = rangeStart(response)
      // A server that cannot begin in the middle sends it all again.
      if (start !== this.size) await this.#restart()
      if (start !== 0 && start !== this.size)
        throw new Error('the hub sent another part than was asked for')
      for await (const chunk of response.body ?? []) {
        stall.reset()
        await this.#append(chunk)
        onProgress(this.size)
      }
    } catch (error) {
      // The part that is there is all of the file, or more: begin again.
      if (!(error instanceof HubStatus) || error.status !== 416 || this.size === 0) throw error
      await this.#restart()
      throw new Error('the hub has no such part of the file', { cause: error })
    } finally {
      stall.stop()
    }
    if (this.size < file.sizeBytes)
      throw new Error(`the connection ended after ${this.size} of ${file.sizeBytes} bytes`)
  }

  /** To the disk. */
  sync(): Promise<void> {
    return this.#write(() => this.#handle.sync())
  }

  isRight(): boolean {
    const { file } = this.#options
    return this.size === file.sizeBytes && this.#hash.digest('hex') === file.blob
  }

  async #append(chunk: Uint8Array): Promise<void> {
    const { file } = this.#options
    if (this.size + chunk.byteLength > file.sizeBytes) {
      await rm(this.#path, { force: true })
      throw mismatch(file)
    }
    await this.#write(() => this.#handle.appendFile(chunk))
    this.#hash.update(chunk)
    this.size += chunk.byteLength
  }

  async #restart(): Promise<void> {
    await this.#write(() => this.#handle.truncate(0))
    this.#hash = startHash(this.#options.file)
    this.size = 0
  }

  async #write(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw writeFailed(this.#path, this.#options.file, error)
    }
  }
}

/** Git hashes a file with its kind and size in front. */
function startHash({ hash, sizeBytes }: HubFile): Hash {
  return hash === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${sizeBytes}\0`)
}

function rangeStart(response: Response): number {
  if (response.status !== 206) return 0
  const [, start] = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '') ?? []
  return Number(start ?? Number.NaN)
}

/** Ends a request over which nothing comes. */
class StallTimer {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(timeoutInMs: number) {
    const end = () => this.#controller.abort(new Error(`nothing came for ${timeoutInMs} ms`))
    this.#timer = setTimeout(end, timeoutInMs)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  reset(): void {
    this.#timer.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

function mismatch({ path, hash }: HubFile): CemError {
  const name = hash === 'sha256' ? 'SHA-256' : "git's hash"
  return new CemError({
    code: 'hub-hash-mismatch',
    message: `What came for ${path} is not what the hub says it is (${name} or size differ). It was deleted; pull again, and if that does not help, something on the way changes files.`,
    data: { path },
  })
}

function writeFailed(path: string, file: HubFile, error: unknown): CemError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
  return new CemError({
    code: isFull ? 'disk-full' : 'file-write-failed',
    message: isFull
      ? `The disk is full: ${file.path} has ${file.sizeBytes} bytes and did not fit into ${path}. Make room, or set HF_HUB_CACHE to another disk; what is there is kept, and the same command goes on.`
      : `Could not write ${path}: ${messageOf(error)}.`,
    data: { path },
    cause: error,
  })
}
