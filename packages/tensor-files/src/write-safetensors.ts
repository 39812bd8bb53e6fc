import { openAtomic } from '@cem/core'
import { dtypes } from './dtypes.ts'
import { nameProblem, quote } from './names.ts'
import type { TensorData, TensorSpec } from './tensor.ts'
import { checkTensor, type TensorChunks, tensorBytes, tensorInvalid } from './tensor-bytes.ts'
import { writeFully } from './write-fully.ts'

/** A tensor to write. */
export interface TensorToWrite extends TensorSpec {
  readonly name: string
  /** Row-major. A typed array, or typed arrays one after another, which are asked for as the file is written. */
  readonly data: TensorData | TensorChunks
}

export interface WriteSafetensorsOptions {
  /** The file's `__metadata__`, strings only. Hugging Face tools expect `{ format: 'pt' }` on model files. @default none */
  readonly metadata?: Readonly<Record<string, string>>
  /** Stops the write with `signal.reason`; the file is then as it was before. */
  readonly signal?: AbortSignal
}

/**
 * Writes a safetensors file whole, or leaves what was there before. Tensors are laid out as the reference implementation
 * lays them out: wide elements first, then by name. So every tensor is aligned to its element, and equal tensors make
 * equal files in whatever order they are given.
 *
 * @throws CemError `tensor-invalid` where a name, dtype, shape or the data given do not fit, `file-write-failed`.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  { metadata = {}, signal }: WriteSafetensorsOptions = {},
): Promise<void> {
  const layout = layOut(path, tensors)
  const header = encodeHeader(layout, metadata)
  signal?.throwIfAborted()
  await using file = await openAtomic(path)
  await writeFully(file.handle, header, path)
  for (const { tensor, label } of layout)
    for await (const bytes of tensorBytes(label, tensor, tensor.data)) {
      signal?.throwIfAborted()
      await writeFully(file.handle, bytes, path)
    }
  await file.commit()
}

/** The reference implementation reads no longer header. */
const maxHeaderBytes = 100_000_000

interface Placed {
  readonly tensor: TensorToWrite
  readonly label: string
  readonly start: number
  readonly end: number
}

function layOut(path: string, tensors: Iterable<TensorToWrite>): readonly Placed[] {
  const sorted = [...tensors].toSorted(
    (a, b) =>
      dtypes.indexOf(b.dtype) - dtypes.indexOf(a.dtype) ||
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  )
  const names = new Set<string>()
  let end = 0
  return sorted.map((tensor) => {
    const { name } = tensor
    const label = `tensor ${quote(name)} of ${path}`
    const problem = name === '__metadata__' ? 'is reserved' : nameProblem(name)
    if (problem) throw tensorInvalid(`the name of ${label} ${problem}`)
    if (names.has(name)) throw tensorInvalid(`${label} is given twice`)
    names.add(name)
    const start = end
    end += checkTensor(label, tensor, tensor.data)
    return { tensor, label, start, end }
  })
}

/** The header with its 8-byte length before it, padded with spaces so that the data begins at a multiple of 8. */
function encodeHeader(layout: readonly Placed[], metadata: Readonly<Record<string, string>>) {
  // Joined by hand: in a JavaScript object, names that look like numbers would move to the front.
  const members = layout.map(({ tensor: { name, dtype, shape }, start, end }) => {
    const info = { dtype, shape, data_offsets: [start, end] }
    return `${JSON.stringify(name)}:${JSON.stringify(info)}`
  })
  const keys = Object.keys(metadata).toSorted()
  if (keys.length > 0) {
    const pairs = keys.map((key) => encodePair(key, metadata[key]))
    members.unshift(`"__metadata__":{${pairs.join(',')}}`)
  }
  const json = Buffer.from(`{${members.join(',')}}`)
  if (json.length > maxHeaderBytes)
    throw tensorInvalid(
      `the header for ${layout.length} tensors is ${json.length} bytes long, and readers take at most ${maxHeaderBytes}`,
    )
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ')
  header.writeBigUInt64LE(BigInt(header.length - 8))
  json.copy(header, 8)
  return header
}

function encodePair(key: string, value: unknown): string {
  if (typeof value !== 'string')
    throw tensorInvalid(
      `the metadata ${quote(key)} is not a string; safetensors holds strings only`,
    )
  const pair = `${JSON.stringify(key)}:${JSON.stringify(value)}`
  if (/\p{Cs}/u.test(key + value))
    throw tensorInvalid(
      `the metadata ${quote(key)} holds half of a surrogate pair, which is no text`,
    )
  return pair
}
