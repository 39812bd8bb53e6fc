import { CemError } from '@cem/core'
import type { ByteReader } from './byte-reader.ts'
import { toRowMajor } from './c-order.ts'
import type { NpyFail, NpyHeader } from './npy-header.ts'
import { type ArraySource, checkRows, readArray, readFloat32Array } from './read-array.ts'
import type { Float32Tensor, RowRange, Tensor } from './tensor.ts'
import { toFloat32 } from './to-float32.ts'

/**
 * Reads the data of an npy array, or rows of it, row-major and in this machine's byte order. Rows of a column-major array
 * lie apart, so all of it is read and they are cut out.
 *
 * @param reader at the data.
 */
export async function readNpyArray(
  header: NpyHeader,
  reader: ByteReader,
  label: string,
  rows?: RowRange,
): Promise<Tensor> {
  const source: ArraySource = { ...header, reader, label }
  if (!header.isFortranOrder) return readArray(source, rows)
  const rowShape = rows && checkRows(source, rows)
  const whole = toRowMajor(await readArray(source))
  return rows && rowShape ? cutRows(whole, rows, rowShape) : whole
}

/** As `readNpyArray`, as 32-bit floats. */
export async function readNpyFloat32(
  header: NpyHeader,
  reader: ByteReader,
  label: string,
  rows?: RowRange,
): Promise<Float32Tensor> {
  if (header.isFortranOrder) return toFloat32(await readNpyArray(header, reader, label, rows))
  return readFloat32Array({ ...header, reader, label }, rows)
}

function cutRows(tensor: Tensor, { start, end }: RowRange, rowShape: readonly number[]): Tensor {
  const rowLength = rowShape.reduce((a, b) => a * b, 1)
  const data = tensor.data.slice(start * rowLength, end * rowLength)
  return { dtype: tensor.dtype, shape: [end - start, ...rowShape], data } as Tensor
}

/** Makes the errors of one npy array, `subject` being the file, or the entry and its file. */
export function npyFailure(subject: string, path: string): NpyFail {
  return (code, problem) =>
    new CemError({
      code,
      message: `${subject} could not be read as an npy array: ${problem}.`,
      data: { path },
    })
}
