import type { Tensor } from './tensor.ts'

/**
 * Reorders column-major data (numpy's Fortran order) to row-major. Elements move as whole bytes, so that every bit of a NaN
 * survives.
 *
 * @param fortran `data` with the FIRST index fastest.
 * @returns a new tensor of the same shape with the last index fastest.
 */
export function toRowMajor(fortran: Tensor): Tensor {
  const { dtype, shape, data } = fortran
  if (shape.length < 2 || data.length === 0) return fortran
  const out = new ArrayBuffer(data.byteLength)
  const words = wordsOf(data.buffer as ArrayBuffer, data.BYTES_PER_ELEMENT)
  permute(words, wordsOf(out, data.BYTES_PER_ELEMENT), shape, data.BYTES_PER_ELEMENT === 8 ? 2 : 1)
  return { dtype, shape, data: new (data.constructor as Uint8ArrayConstructor)(out) } as Tensor
}

type Words = Uint8Array | Uint16Array | Uint32Array

function wordsOf(buffer: ArrayBuffer, width: number): Words {
  if (width === 1) return new Uint8Array(buffer)
  return width === 2 ? new Uint16Array(buffer) : new Uint32Array(buffer)
}

/** Walks the output in order; `offset` is where the element lies in the column-major input. */
function permute(input: Words, output: Words, shape: readonly number[], wordsPerElement: number) {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1))
  const index = new Float64Array(shape.length)
  let offset = 0
  for (let to = 0; to < output.length; to += wordsPerElement) {
    for (let word = 0; word < wordsPerElement; word++)
      output[to + word] = input[offset * wordsPerElement + word] as number
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] as number
      const stride = strides[axis] as number
      const next = (index[axis] as number) + 1
      offset += stride
      if (next < size) {
        index[axis] = next
        break
      }
      index[axis] = 0
      offset -= size * stride
    }
  }
}
