import { CemError } from '@cem/core'
import type { ByteReader } from './byte-reader.ts'
import { type EntryContent, npzCorrupt, openEntryContent } from './entry-content.ts'
import { quote } from './names.ts'
import { npyFailure, readNpyArray, readNpyFloat32 } from './npy-array.ts'
import { type NpyHeader, readNpyHeader } from './npy-header.ts'
import { openReadableFile, type ReadableFile } from './readable-file.ts'
import type { Float32Tensor, ReadOptions, RowRange, Tensor, TensorSpec } from './tensor.ts'
import { tensorNotFound } from './tensor-not-found.ts'
import { readZipDirectory, type ZipDirectory, type ZipEntry } from './zip-directory.ts'

/** An array of an npz file, as the file's directory has it. */
export interface NpzEntry {
  /** Without the ending `.npy`. */
  readonly name: string
  readonly isCompressed: boolean
  /** Size of the array with its header, in bytes, as declared. */
  readonly sizeBytes: number
  /** Size in the file, in bytes. */
  readonly storedBytes: number
}

/** An npz file whose directory was read and checked. Dispose of it to close the file. */
export interface NpzFile extends AsyncDisposable {
  readonly path: string
  /** In the order of the directory. */
  readonly entries: ReadonlyMap<string, NpzEntry>
  /** Names of what lies in the file and is no array. */
  readonly others: readonly string[]
  /** Reads the header of an array alone. */
  describe(name: string): Promise<TensorSpec>
  /**
   * Reads one array, or rows of it, row-major and in this machine's byte order. A whole array is checked against its
   * checksum; rows are not.
   *
   * @throws CemError `tensor-not-found`, `npz-invalid`, `npz-corrupt` (checksum, damaged or excessive compressed data),
   * `npz-too-large`, `npy-invalid`, `npy-unsupported`, `tensor-rows-invalid`, `file-read-failed`
   */
  read(name: string, options?: ReadOptions): Promise<Tensor>
  /**
   * As `read`, as 32-bit floats: F32 and F16 exactly, F64 rounded to nearest.
   *
   * @throws CemError as `read`, and `tensor-not-float` for other dtypes.
   */
  readFloat32(name: string, options?: ReadOptions): Promise<Float32Tensor>
}

export interface OpenNpzOptions {
  /**
   * Largest compressed array that is unfolded, in bytes of its unfolded size. Stored arrays are as large as the file shows
   * and have no such limit. @default 4 GiB
   */
  readonly maxInflatedBytes?: number
}

/**
 * Opens an npz file (numpy's `savez` and `savez_compressed`), also beyond 4 GiB (ZIP64): reads the zip directory alone.
 *
 * @throws CemError `npz-invalid`, `file-read-failed`
 */
export async function openNpz(
  path: string,
  { maxInflatedBytes = 2 ** 32 }: OpenNpzOptions = {},
): Promise<NpzFile> {
  const file = await openReadableFile(path)
  try {
    const directory = await readZipDirectory(file)
    return npzFile(file, directory, maxInflatedBytes)
  } catch (error) {
    await file[Symbol.asyncDispose]()
    throw error
  }
}

const ending = '.npy'

function isArray({ name }: ZipEntry): boolean {
  return name.endsWith(ending) && name !== ending
}

function npzFile(file: ReadableFile, directory: ZipDirectory, maxInflatedBytes: number): NpzFile {
  const { path } = file
  const arrays = new Map(
    directory.entries
      .filter(isArray)
      .map((entry) => [entry.name.slice(0, -ending.length), entry] as const),
  )
  /** Opens an array, hands it to `work`, and checks what is left when all of it was read. */
  const withArray = async <T>(
    name: string,
    signal: AbortSignal | undefined,
    work: (array: OpenArray) => Promise<T>,
  ): Promise<T> => {
    const entry = arrays.get(name)
    if (!entry) throw tensorNotFound(path, name, arrays)
    const label = `Array ${quote(name)} of ${path}`
    checkSize(entry, label, maxInflatedBytes)
    const start = await directory.locate(entry)
    await using content = openEntryContent(file, entry, { start, label, signal })
    const header = await readNpyHeader(content, entry.sizeBytes, npyFailure(label, path))
    checkNpySize(header, entry, label)
    return await work({ header, content, label })
  }
  return {
    path,
    entries: new Map(Array.from(arrays, ([name, entry]) => [name, describeEntry(name, entry)])),
    others: directory.entries.filter((entry) => !isArray(entry)).map(({ name }) => name),
    describe: (name) =>
      withArray(name, undefined, async ({ header: { dtype, shape } }) => ({ dtype, shape })),
    read: (name, { rows, signal } = {}) =>
      withArray(name, signal, (array) => readChecked(array, rows, readNpyArray)),
    readFloat32: (name, { rows, signal } = {}) =>
      withArray(name, signal, (array) => readChecked(array, rows, readNpyFloat32)),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  }
}

interface OpenArray {
  readonly header: NpyHeader
  readonly content: EntryContent
  readonly label: string
}

async function readChecked<T>(
  { header, content, label }: OpenArray,
  rows: RowRange | undefined,
  read: (header: NpyHeader, reader: ByteReader, label: string, rows?: RowRange) => Promise<T>,
): Promise<T> {
  const result = await read(header, content, label, rows)
  if (!rows) await content.finish()
  return result
}

function describeEntry(name: string, { method, sizeBytes, storedBytes }: ZipEntry): NpzEntry {
  return { name, isCompressed: method !== 'stored', sizeBytes, storedBytes }
}

/** Deflate cannot do better than 1032 to 1 (258 bytes from 2 bits). */
const maxRatio = 1032

function checkSize(
  { method, sizeBytes, storedBytes }: ZipEntry,
  label: string,
  maxInflatedBytes: number,
): void {
  if (method === 'unsupported')
    throw new CemError({
      code: 'npz-invalid',
      message: `${label} is encrypted, or packed by a method other than deflate. Save it with numpy's savez or savez_compressed.`,
    })
  if (method === 'stored') return
  if (sizeBytes > storedBytes * maxRatio + maxRatio)
    throw npzCorrupt(
      label,
      `it announces ${sizeBytes} bytes, which cannot be packed into its ${storedBytes}`,
    )
  if (sizeBytes > maxInflatedBytes)
    throw new CemError({
      code: 'npz-too-large',
      message: `${label} unfolds from ${storedBytes} to ${sizeBytes} bytes, and at most ${maxInflatedBytes} are allowed. If you trust the file, open it with a larger maxInflatedBytes.`,
      data: { sizeBytes, storedBytes, maxInflatedBytes },
    })
}

function checkNpySize({ headerBytes, byteLength }: NpyHeader, entry: ZipEntry, label: string) {
  if (headerBytes + byteLength === entry.sizeBytes) return
  throw new CemError({
    code: 'npz-invalid',
    message: `${label} has an npy header for ${headerBytes + byteLength} bytes, but its entry holds ${entry.sizeBytes}. Fetch the file again, or write it anew.`,
    data: { expectedBytes: headerBytes + byteLength, foundBytes: entry.sizeBytes },
  })
}
