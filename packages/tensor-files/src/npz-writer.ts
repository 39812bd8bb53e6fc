import type { FileHandle } from 'node:fs/promises'
import { type PassThrough, Readable, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { CemError, openAtomic } from '@cem/core'
import { ZipFile } from 'yazl'
import { nameProblem, quote } from './names.ts'
import { checkNpyTensor, npyBytes } from './npy.ts'
import type { Tensor, TensorData, TensorSpec } from './tensor.ts'
import { type TensorChunks, tensorInvalid } from './tensor-bytes.ts'
import { writeFully } from './write-fully.ts'

/** Writes an npz file array by array. Dispose of it to give up what was not committed. */
export interface NpzWriter extends AsyncDisposable {
  /**
   * Writes one array; resolves when its data may be changed again.
   *
   * @param name the key in numpy; it must not be there already.
   * @throws CemError `tensor-invalid`, `npz-writer-closed`, `file-write-failed`
   */
  add(name: string, array: Tensor): Promise<void>
  /**
   * Writes one array whose data comes in pieces, row-major: typed arrays of the dtype's class, or raw little-endian bytes as
   * `Uint8Array`, together exactly as long as the shape says. Arrays are written one after another, in the order of the
   * calls: a second stream is first read when the one before it has ended.
   *
   * @throws CemError as `add`; and whatever `chunks` throws, after which the file cannot be committed.
   */
  addStream(name: string, spec: TensorSpec, chunks: TensorChunks): Promise<void>
  /**
   * Ends the file and gives it its name.
   *
   * @throws the error of an earlier failed `add` or `addStream`; CemError `npz-writer-closed`, `file-write-failed`
   */
  commit(): Promise<void>
}

export interface NpzWriterOptions {
  /** Deflates the arrays, as numpy's `savez_compressed` does; else they are stored, as by `savez`. @default false */
  readonly compress?: boolean
}

/**
 * Begins an npz file, which appears under its name on `commit`, whole or not at all. Beyond 4 GiB it is ZIP64. Equal arrays
 * in equal order make equal bytes.
 *
 * @throws CemError `file-write-failed`
 */
export async function createNpzWriter(
  path: string,
  { compress = false }: NpzWriterOptions = {},
): Promise<NpzWriter> {
  const file = await openAtomic(path)
  const zip = new ZipFile()
  const failure = firstFailure()
  zip.on('error', failure.report)
  const written = pipeline(zip.outputStream, sinkTo(file.handle, path))
  written.catch(failure.report)
  const names = new Set<string>()
  let isOpen = true

  const write = async (name: string, spec: TensorSpec, data: TensorData | TensorChunks) => {
    if (!isOpen) throw writerClosed(path)
    failure.check()
    const label = `array ${quote(name)} of ${path}`
    checkName(name, label, names)
    const size = checkNpyTensor(label, spec, data)
    names.add(name)
    const body = Readable.from(ownedChunks(npyBytes(label, spec, data)), { objectMode: false })
    zip.addReadStream(body, `${name}.npy`, { size, compress, ...fixedTime() })
    try {
      await Promise.race([finished(body), failure.promise])
    } catch (error) {
      body.destroy()
      failure.report(error)
      throw error
    }
  }
  const commit = async () => {
    if (!isOpen) throw writerClosed(path)
    failure.check()
    isOpen = false
    zip.end()
    await Promise.race([written, failure.promise])
    await file.commit()
  }
  const dispose = async () => {
    isOpen = false
    failure.report(writerClosed(path))
    // The sink must be done with the handle before it is closed.
    ;(zip.outputStream as PassThrough).destroy()
    await written.catch(() => undefined)
    await file.abort()
  }
  return {
    add: (name, array) => write(name, array, array.data),
    addStream: write,
    commit,
    [Symbol.asyncDispose]: dispose,
  }
}

/**
 * The zip format has times in local time without a zone; given as local time, the bytes are the same everywhere. Noon,
 * since in some zones a midnight was skipped.
 */
function fixedTime() {
  return { mtime: new Date(1980, 1, 1, 12), mode: 0o100644, forceDosTimestamp: true }
}

function checkName(name: string, label: string, names: ReadonlySet<string>): void {
  const isPath = /\\|^\/|^[a-zA-Z]:/.test(name) || name.split('/').includes('..')
  const problem = isPath ? 'leaves the file: it is absolute, or holds .. or \\' : nameProblem(name)
  if (problem) throw tensorInvalid(`the name of ${label} ${problem}`)
  if (names.has(name)) throw tensorInvalid(`${label} is there already`)
}

/** Copies each piece, since it is still on its way to the disk when its owner may change it. */
async function* ownedChunks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield new Uint8Array(piece)
}

function sinkTo(handle: FileHandle, path: string): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      void writeThen(handle, chunk, path, done)
    },
  })
}

async function writeThen(
  handle: FileHandle,
  chunk: Uint8Array,
  path: string,
  done: (error?: Error) => void,
): Promise<void> {
  try {
    await writeFully(handle, chunk, path)
  } catch (error) {
    return done(error as Error)
  }
  done()
}

/** Remembers the first of several errors. */
function firstFailure() {
  const failed = new AbortController()
  const promise = new Promise<never>((_, reject) => {
    failed.signal.addEventListener('abort', () => reject(failed.signal.reason), { once: true })
  })
  promise.catch(() => undefined)
  return {
    report: (error: unknown) => failed.abort(error),
    /** Rejects with the error when there is one. */
    promise,
    /** Throws the error if there is one already. */
    check: () => failed.signal.throwIfAborted(),
  }
}

function writerClosed(path: string): CemError {
  return new CemError({
    code: 'npz-writer-closed',
    message: `${path} takes no more arrays: its writer was committed or disposed of. Create a new writer.`,
    data: { path },
  })
}
