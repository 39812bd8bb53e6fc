import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeFailure } from './write-failure.ts'

/** A file that appears under its name whole or not at all. */
export interface AtomicFile extends AsyncDisposable {
  /** Where the bytes go until `commit`. */
  readonly handle: FileHandle
  /** Flushes the bytes to the disk and gives the file its name. */
  commit(): Promise<void>
  /** Closes and removes what was written. Without effect after `commit`; disposal calls it. */
  abort(): Promise<void>
}

/**
 * Opens a hidden file beside `path`, which gets that name on `commit` (write beside, fsync, rename, fsync the folder).
 * Missing parent folders are made. A crash leaves at most a `.name.<random>.tmp` beside it.
 *
 * @throws CemError `file-write-failed`
 */
export async function openAtomic(path: string): Promise<AtomicFile> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const handle = await attempt(path, async () => {
    await mkdir(folder, { recursive: true })
    return open(temporary, 'wx')
  })
  let isOpen = true
  const abort = async () => {
    if (!isOpen) return
    isOpen = false
    await handle.close().catch(() => undefined)
    await rm(temporary, { force: true })
  }
  const commit = async () => {
    try {
      await attempt(path, async () => {
        await handle.sync()
        await handle.close()
        await rename(temporary, path)
        await syncFolder(folder)
      })
      isOpen = false
    } catch (error) {
      await abort()
      throw error
    }
  }
  return { handle, commit, abort, [Symbol.asyncDispose]: abort }
}

/**
 * Writes a whole file, or leaves what was there before.
 *
 * @throws CemError `file-write-failed`, for instance on a full disk; nothing half-written stays.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await using file = await openAtomic(path)
  await attempt(path, () => file.handle.writeFile(data))
  await file.commit()
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw writeFailure(path, error)
  }
}

/** Makes the rename itself durable. Not every platform can open a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
