import { pipeline, Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'
import type { ByteReader } from './byte-reader.ts'
import type { ReadableFile } from './readable-file.ts'

const chunkBytes = 2 ** 18

/** Reads what a raw deflate stream unfolds to, piece by piece: never more than is asked for, and one chunk. */
export interface InflateReader extends ByteReader, AsyncDisposable {
  /** Whether the stream ends here. */
  isAtEnd(): Promise<boolean>
}

/**
 * @param start where the compressed bytes begin in the file.
 * @param length how many they are.
 * @param corrupt makes the error to throw where they are damaged or end early.
 */
export function inflateReader(
  file: ReadableFile,
  { start, length, signal }: { start: number; length: number; signal?: AbortSignal | undefined },
  corrupt: (problem: string, cause?: unknown) => Error,
): InflateReader {
  const source = Readable.from(compressedChunks(file, start, length, signal), { objectMode: false })
  const inflater = createInflateRaw({ chunkSize: chunkBytes })
  // Errors come out of the iteration below.
  pipeline(source, inflater, () => undefined)
  const chunks: AsyncIterator<Uint8Array> = inflater[Symbol.asyncIterator]()
  let rest = new Uint8Array()

  /** Makes `rest` non-empty, or returns false at the end. */
  const advance = async (): Promise<boolean> => {
    while (rest.length === 0) {
      signal?.throwIfAborted()
      const next = await chunks.next().catch((error: unknown) => {
        const isDamage = (error as NodeJS.ErrnoException).code?.startsWith('Z_')
        throw isDamage ? corrupt('its compressed data is damaged', error) : error
      })
      if (next.done) return false
      rest = new Uint8Array(next.value)
    }
    return true
  }
  const take = async (byteCount: number, onPiece: (piece: Uint8Array, at: number) => void) => {
    for (let at = 0; at < byteCount; ) {
      if (!(await advance())) throw corrupt('it unfolds to fewer bytes than it announces')
      const piece = rest.subarray(0, byteCount - at)
      onPiece(piece, at)
      at += piece.length
      rest = rest.subarray(piece.length)
    }
  }
  return {
    readInto: (target) => take(target.length, (piece, at) => target.set(piece, at)),
    skip: (byteCount) => take(byteCount, () => undefined),
    isAtEnd: async () => !(await advance()),
    [Symbol.asyncDispose]: async () => {
      inflater.destroy()
    },
  }
}

async function* compressedChunks(
  file: ReadableFile,
  start: number,
  length: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; done += chunkBytes) {
    const chunk = new Uint8Array(Math.min(chunkBytes, length - done))
    await file.readInto(chunk, start + done, signal)
    yield chunk
  }
}
