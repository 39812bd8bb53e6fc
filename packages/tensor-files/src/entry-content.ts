import { crc32 } from 'node:zlib'
import { CemError } from '@cem/core'
import type { ByteReader } from './byte-reader.ts'
import { inflateReader } from './inflate-reader.ts'
import type { ReadableFile } from './readable-file.ts'
import type { ZipEntry } from './zip-directory.ts'

/** The content of a zip entry in order, whose checksum is kept while it is read. */
export interface EntryContent extends ByteReader, AsyncDisposable {
  /** Checks, when all was read, that nothing follows and that the checksum is right. */
  finish(): Promise<void>
}

export interface EntryContentOptions {
  /** Where the content begins in the file. */
  readonly start: number
  /** For messages: the array and the file. */
  readonly label: string
  readonly signal: AbortSignal | undefined
}

/** Read and summed at a time, so that the sum works on bytes that are still in the processor's cache. */
const stepBytes = 2 ** 20

/** Opens the content of a stored or deflated entry. */
export function openEntryContent(
  file: ReadableFile,
  entry: ZipEntry,
  { start, label, signal }: EntryContentOptions,
): EntryContent {
  const corrupt = (problem: string, cause?: unknown) => npzCorrupt(label, problem, cause)
  const inflater =
    entry.method === 'deflated'
      ? inflateReader(file, { start, length: entry.storedBytes, signal }, corrupt)
      : undefined
  const reader = inflater ?? file.readerAt(start, signal)
  let sum = 0
  return {
    readInto: async (target) => {
      for (let done = 0; done < target.length; done += stepBytes) {
        const step = target.subarray(done, done + stepBytes)
        await reader.readInto(step)
        sum = crc32(step, sum)
      }
    },
    skip: (byteCount) => reader.skip(byteCount),
    finish: async () => {
      if (inflater && !(await inflater.isAtEnd()))
        throw corrupt(`it unfolds to more than the ${entry.sizeBytes} bytes that it announces`)
      if (sum !== entry.crc32)
        throw corrupt(
          `its checksum is ${sum.toString(16)}, and the file says ${entry.crc32.toString(16)}`,
        )
    },
    [Symbol.asyncDispose]: async () => inflater?.[Symbol.asyncDispose](),
  }
}

export function npzCorrupt(label: string, problem: string, cause?: unknown): CemError {
  return new CemError({
    code: 'npz-corrupt',
    message: `${label} is damaged: ${problem}. Fetch the file again, or write it anew.`,
    cause,
  })
}
