import { bitsPerElement, type Dtype } from './dtypes.ts'

/** More axes than any framework has (numpy and PyTorch stop at 64). */
export const maxRank = 64

/** Why a shape cannot be, or `undefined`. */
export function shapeProblem(shape: readonly number[]): string | undefined {
  if (shape.length > maxRank) return `has ${shape.length} axes; at most ${maxRank} are allowed`
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 0)
  if (bad !== undefined)
    return `has the shape ${formatShape(shape)}; sizes are whole numbers from 0 to 2^53 - 1`
  if (!Number.isSafeInteger(elementCount(shape)))
    return `has the shape ${formatShape(shape)}, which is more than 2^53 - 1 elements`
  return undefined
}

/** The product of the sizes; 1 for a scalar. Past 2^53 - 1 not a safe integer. */
export function elementCount(shape: readonly number[]): number {
  let count = 1
  for (const size of shape) {
    count *= size
    if (!Number.isSafeInteger(count)) return Number.POSITIVE_INFINITY
  }
  return count
}

/** Bytes of a tensor; not an integer where 4-bit or 6-bit elements do not fill their last byte. */
export function byteLengthOf(dtype: Dtype, shape: readonly number[]): number {
  return (elementCount(shape) * bitsPerElement(dtype)) / 8
}

export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}
