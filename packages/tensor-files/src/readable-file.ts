import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises'
import { endianness } from 'node:os'
import { CemError, messageOf } from '@cem/core'
import type { ByteReader } from './byte-reader.ts'

/** One `read` call at most, so that an abort is noticed soon. */
const chunkBytes = 16 * 2 ** 20

/** An open file whose size was taken when it was opened. */
export interface ReadableFile extends AsyncDisposable {
  readonly path: string
  /** With all symbolic links resolved; what was opened. */
  readonly realPath: string
  readonly sizeBytes: number
  /** Fills the whole of `target` with the bytes from `position` on. */
  readInto(target: Uint8Array, position: number, signal?: AbortSignal): Promise<void>
  /** Reads the bytes from `position` on in order. */
  readerAt(position: number, signal?: AbortSignal): ByteReader
}

/**
 * Opens a regular file for reading.
 *
 * @throws CemError `file-read-failed` where it is missing, a folder, a pipe, or not readable.
 */
export async function openReadableFile(path: string): Promise<ReadableFile> {
  if (endianness() !== 'LE')
    throw new CemError({
      code: 'host-unsupported',
      message: 'Tensor files are read on little-endian machines only, and this one is big-endian.',
    })
  const realPath = await attempt(path, () => realpath(path))
  const isFile = await attempt(path, async () => (await stat(realPath)).isFile())
  if (!isFile) throw readFailed(path, 'it is not a file', 'not-a-file')
  const handle = await attempt(path, () => open(realPath, 'r'))
  try {
    const sizeBytes = await attempt(path, async () => (await handle.stat()).size)
    return readableFile(path, realPath, sizeBytes, handle)
  } catch (error) {
    await handle.close()
    throw error
  }
}

function readableFile(
  path: string,
  realPath: string,
  sizeBytes: number,
  handle: FileHandle,
): ReadableFile {
  let closing: Promise<void> | undefined
  const readInto = async (target: Uint8Array, position: number, signal?: AbortSignal) => {
    for (let done = 0; done < target.length; ) {
      signal?.throwIfAborted()
      if (closing) throw closed(path)
      const length = Math.min(chunkBytes, target.length - done)
      const { bytesRead } = await attempt(path, () =>
        handle.read(target, done, length, position + done),
      )
      if (bytesRead === 0)
        throw readFailed(
          path,
          `it ended at byte ${position + done}, short of what was asked for: it changed while it was read`,
          'changed',
        )
      done += bytesRead
    }
  }
  const readerAt = (position: number, signal?: AbortSignal): ByteReader => {
    let at = position
    return {
      readInto: async (target) => {
        await readInto(target, at, signal)
        at += target.length
      },
      skip: async (byteCount) => {
        at += byteCount
      },
    }
  }
  const dispose = () => {
    closing ??= handle.close()
    return closing
  }
  return { path, realPath, sizeBytes, readInto, readerAt, [Symbol.asyncDispose]: dispose }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    if (reason === 'ENOENT' && (await isLink(path)))
      throw readFailed(path, 'it is a link to a file that is not there: fetch it again', reason)
    throw readFailed(path, messageOf(error), reason, error)
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink()
  } catch {
    return false
  }
}

function readFailed(path: string, problem: string, reason?: string, cause?: unknown): CemError {
  return new CemError({
    code: 'file-read-failed',
    message: `Could not read ${path}: ${problem}.`,
    data: { path, reason },
    cause,
  })
}

function closed(path: string): CemError {
  return new CemError({
    code: 'file-closed',
    message: `Could not read ${path}: it was closed already. Read before disposing of it.`,
    data: { path },
  })
}
