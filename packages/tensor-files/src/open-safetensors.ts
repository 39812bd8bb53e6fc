import { CemError } from '@cem/core'
import { labelOf, readArray, readFloat32Array } from './read-array.ts'
import { openReadableFile, type ReadableFile } from './readable-file.ts'
import { parseSafetensorsHeader, type TensorInfo } from './safetensors-header.ts'
import type { Float32Tensor, ReadOptions, Tensor } from './tensor.ts'
import { tensorNotFound } from './tensor-not-found.ts'

/** A safetensors file whose header was read and checked. Dispose of it to close the file. */
export interface SafetensorsFile extends AsyncDisposable {
  readonly path: string
  /** With all symbolic links resolved (the Hugging Face cache is made of them). */
  readonly realPath: string
  /** The file's `__metadata__`, `{}` where it has none. */
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of their data in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
  /**
   * Reads one tensor, or rows of it, as it is stored.
   *
   * @throws CemError `tensor-not-found`, `tensor-rows-invalid`, `file-read-failed`
   */
  read(name: string, options?: ReadOptions): Promise<Tensor>
  /**
   * Reads one tensor, or rows of it, as 32-bit floats: F32, F16 and BF16 exactly, F64 rounded to nearest.
   *
   * @throws CemError as `read`, and `tensor-not-float` for other dtypes.
   */
  readFloat32(name: string, options?: ReadOptions): Promise<Float32Tensor>
}

export interface OpenSafetensorsOptions {
  /** Longest header that is read, in bytes. The reference implementation has the same limit. @default 100_000_000 */
  readonly maxHeaderBytes?: number
}

/**
 * Opens a safetensors file: reads its header alone, and checks all of it against the format and the file's size.
 *
 * @throws CemError `safetensors-truncated` where the file is shorter than its header says, `safetensors-invalid` where it
 * breaks the format, `file-read-failed` where it cannot be read.
 */
export async function openSafetensors(
  path: string,
  { maxHeaderBytes = 100_000_000 }: OpenSafetensorsOptions = {},
): Promise<SafetensorsFile> {
  const file = await openReadableFile(path)
  try {
    const { metadata, tensors } = await readHeader(file, maxHeaderBytes)
    return safetensorsFile(file, metadata, tensors)
  } catch (error) {
    await file[Symbol.asyncDispose]()
    throw error
  }
}

function safetensorsFile(
  file: ReadableFile,
  metadata: SafetensorsFile['metadata'],
  tensors: SafetensorsFile['tensors'],
): SafetensorsFile {
  const { path, realPath } = file
  const source = (name: string, signal?: AbortSignal) => {
    const info = tensors.get(name)
    if (!info) throw tensorNotFound(path, name, tensors)
    const { dtype, shape, byteOffset } = info
    const reader = file.readerAt(byteOffset, signal)
    return { dtype, shape, reader, isBigEndian: false, label: labelOf(path, name) }
  }
  return {
    path,
    realPath,
    metadata,
    tensors,
    read: async (name, { rows, signal } = {}) => readArray(source(name, signal), rows),
    readFloat32: async (name, { rows, signal } = {}) =>
      readFloat32Array(source(name, signal), rows),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  }
}

async function readHeader(file: ReadableFile, maxHeaderBytes: number) {
  const { path, sizeBytes } = file
  const fail = (problem: string) => invalid(path, problem)
  if (sizeBytes < 8) throw truncated(path, 'at least 8', sizeBytes)
  const prefix = Buffer.alloc(8)
  await file.readInto(prefix, 0)
  if (prefix.toString('latin1') === 'version ')
    throw fail('it is a Git LFS pointer in place of the weights (run `git lfs pull`)')
  const headerBytes = prefix.readBigUInt64LE(0)
  if (headerBytes > BigInt(maxHeaderBytes))
    throw fail(
      `its first 8 bytes announce a header of ${headerBytes} bytes, and at most ${maxHeaderBytes} are allowed`,
    )
  const dataStart = 8 + Number(headerBytes)
  if (dataStart > sizeBytes) throw truncated(path, `at least ${dataStart}`, sizeBytes)
  const bytes = new Uint8Array(dataStart - 8)
  await file.readInto(bytes, 8)
  const header = parseSafetensorsHeader(decodeUtf8(bytes, fail), dataStart, fail)
  if (header.fileBytes > sizeBytes) throw truncated(path, `${header.fileBytes}`, sizeBytes)
  if (header.fileBytes < sizeBytes)
    throw fail(
      `its header accounts for ${header.fileBytes} bytes, but the file has ${sizeBytes}: ${sizeBytes - header.fileBytes} belong to no tensor`,
    )
  return header
}

function decodeUtf8(bytes: Uint8Array, fail: (problem: string) => CemError): string {
  try {
    // A byte order mark is kept, so that the JSON reader refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw fail('its header is not UTF-8')
  }
}

function truncated(path: string, expected: string, foundBytes: number): CemError {
  return new CemError({
    code: 'safetensors-truncated',
    message: `${path} is incomplete: it should have ${expected} bytes and has ${foundBytes}. Fetch it again.`,
    data: { path, expectedBytes: Number(expected.replace('at least ', '')), foundBytes },
  })
}

function invalid(path: string, problem: string): CemError {
  return new CemError({
    code: 'safetensors-invalid',
    message: `${path} is not a valid safetensors file: ${problem}. Fetch it again, or write it anew.`,
    data: { path },
  })
}
