/** Index of the pair (i, j), j <= i, in a packed lower triangle. */
export function packedIndex(i: number, j: number): number {
  return (i * (i + 1)) / 2 + j
}

/** Rows of X by columns: [dModel, stride], of which the first n of each column count. */
export interface BlockColumns {
  readonly values: Float64Array
  readonly n: number
  readonly stride: number
}

/**
 * Adds X^T X + factor * d d^T to a packed lower triangle.
 *
 * @param shift d, [dModel]
 */
export function addFullCoMoment(
  target: Float64Array,
  { values, n, stride }: BlockColumns,
  shift: Float64Array,
  factor: number,
): void {
  const dModel = shift.length
  let at = 0
  for (let i = 0; i < dModel; i++) {
    const left = i * stride
    const scaled = factor * (shift[i] as number)
    for (let j = 0; j <= i; j++) {
      const right = j * stride
      let sum = scaled * (shift[j] as number)
      for (let k = 0; k < n; k++)
        sum += (values[left + k] as number) * (values[right + k] as number)
      target[at] = (target[at] as number) + sum
      at += 1
    }
  }
}

/** The diagonal of `addFullCoMoment` alone; target [dModel]. */
export function addDiagonalCoMoment(
  target: Float64Array,
  { values, n, stride }: BlockColumns,
  shift: Float64Array,
  factor: number,
): void {
  for (const [i, d] of shift.entries()) {
    let sum = factor * d * d
    for (let k = i * stride; k < i * stride + n; k++) sum += (values[k] as number) ** 2
    target[i] = (target[i] as number) + sum
  }
}
