import { createHash } from 'node:crypto'
import { open, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import type { WeightLocation } from '../graph/weight-source.ts'

export interface FileIdentity {
  /** With links resolved. */
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

interface CacheEntry {
  readonly stamp: string
  readonly sha256: string
  readonly isFinite: boolean
}

export interface FileIdentityOptions {
  /** The tensors in the file, checked for NaN and infinities in the same pass. @default none */
  readonly tensors?: readonly (WeightLocation & { readonly name: string })[]
  /** Where identities are kept between runs. @default `cacheFolder()` */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Where this package keeps what it can make again: CEM_CACHE, else the user's cache folder. */
export function cacheFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return (
    environment['CEM_CACHE'] ||
    join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cem')
  )
}

/**
 * A file's SHA-256, read once: the result is kept under the file's real path, size, times and inode. Weights are checked for
 * numbers that are not finite while their bytes pass.
 *
 * @throws CemError `weights-not-finite`, naming the tensor; `file-read-failed`
 */
export async function identifyFile(
  path: string,
  { tensors = [], cache = cacheFolder(), signal }: FileIdentityOptions = {},
): Promise<FileIdentity> {
  const real = await realpath(path)
  await using handle = await openForReading(real)
  const stats = await handle.stat({ bigint: true })
  const stamp = [stats.size, stats.mtimeNs, stats.ctimeNs, stats.ino, stats.dev].join(':')
  const entryPath = join(cache, 'files', `${createHash('sha256').update(real).digest('hex')}.json`)
  const identity = (sha256: string) => ({ path: real, sizeBytes: Number(stats.size), sha256 })
  const known = await readEntry(entryPath)
  if (known?.stamp === stamp && (known.isFinite || tensors.length === 0))
    return identity(known.sha256)
  const hash = createHash('sha256')
  const scan = finiteScan(tensors)
  let position = 0
  const buffer = new Uint8Array(4 * 2 ** 20)
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    const bad = scan(chunk, position)
    if (bad !== undefined) throw notFinite(real, bad)
    position += bytesRead
  }
  const sha256 = hash.digest('hex')
  const entry: CacheEntry = { stamp, sha256, isFinite: tensors.length > 0 }
  // The cache saves time only: where it cannot be written, the next run reads the file again.
  await writeFileAtomic(entryPath, JSON.stringify(entry)).catch(() => undefined)
  return identity(sha256)
}

async function openForReading(path: string) {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw new CemError({
      code: 'file-read-failed',
      message: `Could not open ${path}.`,
      data: { path },
      cause: error,
    })
  }
}

async function readEntry(path: string): Promise<CacheEntry | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as CacheEntry
  } catch {
    return undefined
  }
}

function notFinite(path: string, tensor: string): CemError {
  return new CemError({
    code: 'weights-not-finite',
    message: `The tensor ${tensor} in ${path} holds NaN or infinite numbers. The file is damaged, or its training diverged.`,
    data: { path, tensor },
  })
}

/** Exponent bits, all ones in NaN and infinities. */
const exponents = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 } as const

/** Looks at the bytes of a file, chunk by chunk, for numbers that are not finite; gives the tensor's name. */
function finiteScan(tensors: FileIdentityOptions['tensors'] & object) {
  const ordered = tensors.toSorted((a, b) => a.byteOffset - b.byteOffset)
  let next = 0
  return (chunk: Uint8Array, position: number): string | undefined => {
    const chunkEnd = position + chunk.byteLength
    for (let i = next; i < ordered.length; i++) {
      const tensor = ordered[i] as (typeof ordered)[number]
      const tensorEnd = tensor.byteOffset + tensor.byteLength
      if (tensor.byteOffset >= chunkEnd) break
      if (tensorEnd <= chunkEnd) next = i + 1
      const start = Math.max(tensor.byteOffset, position)
      const end = Math.min(tensorEnd, chunkEnd)
      if (
        end > start &&
        hasNonFinite(chunk.subarray(start - position, end - position), tensor.dtype)
      )
        return tensor.name
    }
    return undefined
  }
}

/**
 * Chunks are a multiple of 4 bytes and safetensors aligns its data to 8, so elements do not straddle chunks; unaligned files
 * are copied first.
 */
function hasNonFinite(bytes: Uint8Array, dtype: WeightLocation['dtype']): boolean {
  const width = dtype === 'F32' ? 4 : 2
  const isAligned = bytes.byteOffset % width === 0
  const { buffer, byteOffset } = isAligned ? bytes : bytes.slice()
  const length = Math.floor(bytes.byteLength / width)
  const words =
    width === 4
      ? new Uint32Array(buffer, isAligned ? byteOffset : 0, length)
      : new Uint16Array(buffer, isAligned ? byteOffset : 0, length)
  const mask = exponents[dtype]
  for (let i = 0; i < length; i++) if (((words[i] as number) & mask) === mask) return true
  return false
}
