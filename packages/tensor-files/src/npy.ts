import { type AtomicFile, openAtomic } from '@cem/core'
import { npyFailure, readNpyArray } from './npy-array.ts'
import { encodeNpyHeader, npyDtypes, readNpyHeader } from './npy-header.ts'
import { openReadableFile } from './readable-file.ts'
import type { ReadOptions, Tensor, TensorData, TensorSpec } from './tensor.ts'
import { checkTensor, type TensorChunks, tensorBytes, tensorInvalid } from './tensor-bytes.ts'
import { writeFully } from './write-fully.ts'

/**
 * Reads an `.npy` file, or rows of it: row-major and in this machine's byte order, however it was stored.
 *
 * @throws CemError `npy-invalid`, `npy-truncated`, `npy-unsupported` (objects, structures, text, dates, complex numbers),
 * `tensor-rows-invalid`, `file-read-failed`
 */
export async function readNpy(path: string, { rows, signal }: ReadOptions = {}): Promise<Tensor> {
  await using file = await openReadableFile(path)
  const fail = npyFailure(path, path)
  const reader = file.readerAt(0, signal)
  const header = await readNpyHeader(reader, file.sizeBytes, fail)
  const expected = header.headerBytes + header.byteLength
  if (file.sizeBytes < expected)
    throw fail(
      'npy-truncated',
      `it should have ${expected} bytes and has ${file.sizeBytes}. Fetch or write it again`,
    )
  if (file.sizeBytes > expected)
    throw fail(
      'npy-invalid',
      `${file.sizeBytes - expected} bytes follow its array, which ends at byte ${expected}. Several arrays belong into an npz file`,
    )
  // Awaited here, before the file is closed.
  return await readNpyArray(header, reader, path, rows)
}

/**
 * Writes an `.npy` file (version 1.0, little-endian, row-major) whole, or leaves what was there before.
 *
 * @throws CemError `tensor-invalid` where dtype, shape or data do not fit, or numpy has no such dtype; `file-write-failed`.
 */
export async function writeNpy(path: string, tensor: Tensor): Promise<void> {
  checkNpyTensor(path, tensor, tensor.data)
  await using file: AtomicFile = await openAtomic(path)
  for await (const bytes of npyBytes(path, tensor, tensor.data))
    await writeFully(file.handle, bytes, path)
  await file.commit()
}

/**
 * Checks what is to be written as npy.
 *
 * @returns the size of the array with its header, in bytes.
 */
export function checkNpyTensor(
  label: string,
  spec: TensorSpec,
  data: TensorData | TensorChunks,
): number {
  if (!npyDtypes.includes(spec.dtype))
    throw tensorInvalid(
      `${label} has the dtype ${spec.dtype}, which numpy does not have; ${npyDtypes.join(', ')} can be written (bf16ToFloat32 turns BF16 into F32)`,
    )
  return encodeNpyHeader(spec).length + checkTensor(label, spec, data)
}

/** Header and data of an npy array, in pieces that are valid only until the next one is asked for. */
export async function* npyBytes(
  label: string,
  spec: TensorSpec,
  data: TensorData | TensorChunks,
): AsyncGenerator<Uint8Array> {
  yield encodeNpyHeader(spec)
  yield* tensorBytes(label, spec, data)
}
