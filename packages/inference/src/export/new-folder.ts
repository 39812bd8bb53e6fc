import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CemError, messageOf } from '@cem/core'

/** A folder that appears under its name whole or not at all. */
export interface NewFolder extends AsyncDisposable {
  /** Where the files go until `commit`. */
  readonly path: string
  /** Flushes every file to the disk and gives the folder its name. */
  commit(): Promise<void>
}

/**
 * Makes a hidden folder beside `path`, which gets that name on `commit`; disposal without it removes everything. A crash leaves
 * at most a `.name.<random>.tmp` beside it.
 *
 * @throws CemError `output-exists`, `file-write-failed`
 */
export async function newFolder(path: string): Promise<NewFolder> {
  const target = resolve(path)
  checkFree(target)
  const name = `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`
  const temporary = join(dirname(target), name)
  await attempt(target, () => mkdir(temporary, { recursive: true }))
  return {
    path: temporary,
    commit: () =>
      attempt(target, async () => {
        for (const file of await readdir(temporary)) await flush(join(temporary, file))
        checkFree(target)
        await rename(temporary, target)
      }),
    [Symbol.asyncDispose]: () => rm(temporary, { recursive: true, force: true }),
  }
}

/**
 * Refuses to begin what the disk has no room for.
 *
 * @throws CemError `disk-full`
 */
export async function checkDiskSpace(
  path: string,
  neededBytes: number,
  freeBytes: (folder: string) => Promise<number> = freeBytesOf,
): Promise<void> {
  let folder = dirname(resolve(path))
  while (!existsSync(folder)) folder = dirname(folder)
  const free = await freeBytes(folder)
  if (free >= neededBytes) return
  throw new CemError({
    code: 'disk-full',
    message: `${path} will take ${gigabytes(neededBytes)}, and its disk has ${gigabytes(free)} left. Free some space, or give a folder on another disk.`,
    data: { path, neededBytes, freeBytes: free },
  })
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`
}

function checkFree(target: string): void {
  if (!existsSync(target)) return
  throw new CemError({
    code: 'output-exists',
    message: `${target} is there already. Give another output folder, or remove it.`,
    data: { path: target },
  })
}

/** Files copied from a read-only cache become writable by their owner. */
async function flush(file: string): Promise<void> {
  await chmod(file, 0o644)
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (CemError.isInstance(cause)) throw cause
    const isFull = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
    throw new CemError({
      code: 'file-write-failed',
      message: `Could not write ${path}: ${messageOf(cause)}.${isFull ? ' The disk is full: free some space and run again.' : ''}`,
      data: { path },
      cause,
    })
  }
}
