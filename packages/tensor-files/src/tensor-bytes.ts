import { CemError } from '@cem/core'
import { dtypes, isDtype } from './dtypes.ts'
import { quote } from './names.ts'
import { byteLengthOf, formatShape, shapeProblem } from './shape.ts'
import { arrayClassOf, type TensorData, type TensorSpec } from './tensor.ts'

/**
 * Data to write: a typed array of the dtype's class (see `TensorDataOf`), a `Uint8Array` of the raw little-endian bytes, or
 * such arrays one after another.
 */
export type TensorChunks = Iterable<TensorData> | AsyncIterable<TensorData>

/** Copies this much at a time from a large array. */
const chunkBytes = 2 ** 20

/**
 * Checks dtype and shape of a tensor to write, and that a typed array given whole fits them.
 *
 * @returns its size in bytes.
 * @throws CemError `tensor-invalid`
 */
export function checkTensor(
  label: string,
  { dtype, shape }: TensorSpec,
  data: TensorData | TensorChunks,
): number {
  if (!isDtype(dtype))
    throw tensorInvalid(
      `${label} has the dtype ${quote(String(dtype))}; known are ${dtypes.join(', ')}`,
    )
  const badShape = shapeProblem(shape)
  if (badShape) throw tensorInvalid(`${label} ${badShape}`)
  const byteLength = byteLengthOf(dtype, shape)
  if (!Number.isInteger(byteLength))
    throw tensorInvalid(
      `${label} has the shape ${formatShape(shape)}, and that many ${dtype} elements do not end on a whole byte`,
    )
  if (ArrayBuffer.isView(data)) {
    checkClass(label, dtype, data)
    if (data.byteLength !== byteLength) throw wrongSize(label, { dtype, shape }, data.byteLength)
  }
  return byteLength
}

/**
 * The bytes of a tensor that `checkTensor` passed, in pieces. Each piece is valid only until the next one is asked for.
 *
 * @throws CemError `tensor-invalid` where the chunks are not of the dtype's class, or more or fewer than the shape says.
 */
export async function* tensorBytes(
  label: string,
  spec: TensorSpec,
  data: TensorData | TensorChunks,
): AsyncGenerator<Uint8Array> {
  const byteLength = byteLengthOf(spec.dtype, spec.shape)
  let given = 0
  for await (const chunk of ArrayBuffer.isView(data) ? [data] : data) {
    checkClass(label, spec.dtype, chunk)
    given += chunk.byteLength
    if (given > byteLength) throw wrongSize(label, spec, given)
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let done = 0; done < bytes.length; done += chunkBytes)
      yield bytes.subarray(done, done + chunkBytes)
  }
  if (given < byteLength) throw wrongSize(label, spec, given)
}

function checkClass(label: string, dtype: TensorSpec['dtype'], data: unknown): void {
  const wanted = arrayClassOf(dtype)
  if (data instanceof wanted || data instanceof Uint8Array) return
  const found = data?.constructor?.name ?? typeof data
  throw tensorInvalid(
    `${label} has dtype ${dtype}, whose data is ${wanted.name} (or raw bytes as Uint8Array), but ${found} was given`,
  )
}

function wrongSize(label: string, { dtype, shape }: TensorSpec, givenBytes: number): CemError {
  return tensorInvalid(
    `${label} has the shape ${formatShape(shape)} and dtype ${dtype}, which is ${byteLengthOf(dtype, shape)} bytes, but ${givenBytes} were given`,
  )
}

export function tensorInvalid(problem: string): CemError {
  return new CemError({
    code: 'tensor-invalid',
    message: `Could not write: ${problem}.`,
  })
}
