import { Readable } from 'node:stream'
import { CemError, messageOf } from '@cem/core'
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl'
import { nameProblem, quote } from './names.ts'
import type { ReadableFile } from './readable-file.ts'

/** One file within a zip file. */
export interface ZipEntry {
  readonly name: string
  /** `unsupported`: encrypted, or packed by another method. */
  readonly method: 'stored' | 'deflated' | 'unsupported'
  /** Size of the content, as declared. */
  readonly sizeBytes: number
  /** Size in the zip file, as declared. */
  readonly storedBytes: number
  readonly crc32: number
}

export interface ZipDirectory {
  readonly entries: readonly ZipEntry[]
  /** Reads an entry's own header, checks that it agrees with the directory, and says where the content begins. */
  locate(entry: ZipEntry): Promise<number>
}

/** More than any set of arrays has; bounds the time to read a hostile directory. */
const maxEntries = 100_000

/**
 * Reads the central directory of a zip file (also ZIP64) and checks it: no name twice, no path that leaves the folder, no
 * two entries over the same bytes.
 *
 * @throws CemError `npz-invalid`
 */
export async function readZipDirectory(file: ReadableFile): Promise<ZipDirectory> {
  const fail = (problem: string, cause?: unknown) => npzInvalid(file.path, problem, cause)
  const reader = new FileReader(file)
  const zip = await Promise.race([openZip(reader, file.sizeBytes, fail), reader.failure])
  const known = await Promise.race([readEntries(zip, fail), reader.failure])
  checkOverlaps([...known.values()], fail)
  const locate = (entry: ZipEntry) => {
    const raw = known.get(entry)
    if (!raw) throw fail(`entry ${quote(entry.name)} is of another file`)
    return Promise.race([locateContent(zip, raw, fail), reader.failure])
  }
  return { entries: [...known.keys()], locate }
}

type Fail = (problem: string, cause?: unknown) => CemError

/** Gives yauzl the bytes of an open file. What goes wrong in its callbacks rejects `failure` instead of ending the process. */
class FileReader extends RandomAccessReader {
  readonly failure: Promise<never>
  readonly #file: ReadableFile
  #reject: (error: unknown) => void = () => undefined

  constructor(file: ReadableFile) {
    super()
    this.#file = file
    this.failure = new Promise((_, reject) => {
      this.#reject = (error) =>
        reject(CemError.isInstance(error) ? error : npzInvalid(file.path, messageOf(error), error))
    })
    this.failure.catch(() => undefined)
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#read(buffer.subarray(offset, offset + length), position, callback).catch(this.#reject)
  }

  async #read(
    target: Buffer,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): Promise<void> {
    const end = position + target.length
    try {
      if (!Number.isSafeInteger(end) || end > this.#file.sizeBytes)
        throw new Error(`it points to byte ${end} of ${this.#file.sizeBytes}`)
      await this.#file.readInto(target, position)
    } catch (error) {
      return callback(error as Error)
    }
    callback(null, target.length)
  }

  /** Contents are read without yauzl; only `read` is used. */
  override _readStreamForRange(): Readable {
    return Readable.from([])
  }
}

function openZip(reader: FileReader, sizeBytes: number, fail: Fail): Promise<ZipFile> {
  // strictFileNames: a backslash is an error, not another spelling of a slash.
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true }
  return new Promise((resolve, reject) => {
    fromRandomAccessReader(reader, sizeBytes, options, (error, zip) =>
      error ? reject(wrap(error, fail)) : resolve(zip),
    )
  })
}

async function readEntries(zip: ZipFile, fail: Fail): Promise<ReadonlyMap<ZipEntry, Entry>> {
  if (zip.entryCount > maxEntries)
    throw fail(`it announces ${zip.entryCount} entries, and at most ${maxEntries} are allowed`)
  const known = new Map<ZipEntry, Entry>()
  const names = new Set<string>()
  try {
    for await (const raw of zip.eachEntry()) {
      const entry = checkEntry(raw, fail)
      if (names.has(entry.name)) throw fail(`it has two entries ${quote(entry.name)}`)
      names.add(entry.name)
      known.set(entry, raw)
    }
  } catch (error) {
    throw wrap(error, fail)
  }
  return known
}

function checkEntry(raw: Entry, fail: Fail): ZipEntry {
  const { fileName: name, compressionMethod, uncompressedSize, compressedSize, crc32 } = raw
  const problem = nameProblem(name)
  if (problem) throw fail(`the name of entry ${quote(name)} ${problem}`)
  for (const size of [uncompressedSize, compressedSize, raw.relativeOffsetOfLocalHeader])
    if (!Number.isSafeInteger(size)) throw fail(`entry ${quote(name)} announces ${size} bytes`)
  const method = raw.isEncrypted()
    ? undefined
    : ({ 0: 'stored', 8: 'deflated' } as const)[compressionMethod]
  return {
    name,
    method: method ?? 'unsupported',
    sizeBytes: uncompressedSize,
    storedBytes: compressedSize,
    crc32,
  }
}

const localHeaderBytes = 30

/** Entries that share bytes are how a small zip file unfolds into a huge one. */
function checkOverlaps(entries: readonly Entry[], fail: Fail): void {
  const sorted = entries.toSorted(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  )
  let end = 0
  let previous: Entry | undefined
  for (const entry of sorted) {
    if (previous && entry.relativeOffsetOfLocalHeader < end)
      throw fail(
        `the entries ${quote(previous.fileName)} and ${quote(entry.fileName)} lie over one another`,
      )
    const header = localHeaderBytes + entry.fileNameLength
    end = entry.relativeOffsetOfLocalHeader + header + entry.compressedSize
    previous = entry
  }
}

async function locateContent(zip: ZipFile, entry: Entry, fail: Fail): Promise<number> {
  try {
    const local = await zip.readLocalFileHeaderPromise(entry)
    if (!local.fileName.equals(entry.fileNameRaw))
      throw fail(
        `entry ${quote(entry.fileName)} calls itself ${quote(local.fileName.toString('utf8'))} in its own header`,
      )
    if (local.compressionMethod !== entry.compressionMethod)
      throw fail(`entry ${quote(entry.fileName)} names two compression methods`)
    return local.fileDataStart
  } catch (error) {
    throw wrap(error, fail)
  }
}

function wrap(error: unknown, fail: Fail): CemError {
  return CemError.isInstance(error) ? error : fail(messageOf(error), error)
}

function npzInvalid(path: string, problem: string, cause?: unknown): CemError {
  return new CemError({
    code: 'npz-invalid',
    message: `${path} is not a valid npz file: ${problem}. Fetch it again, or write it anew.`,
    data: { path },
    cause,
  })
}
