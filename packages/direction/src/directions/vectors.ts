import { CemError } from '@cem/core'

/** A vector of the residual stream, shape [dModel]. */
export type Vector = Float32Array | Float64Array

/** Sum of products, in float64. Both of one length. */
export function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

export const norm = (vector: Vector) => Math.sqrt(dot(vector, vector))

/** a - b in float64, shape [dModel]. */
export function subtract(a: Vector, b: Vector): Float64Array {
  return Float64Array.from(a, (value, i) => value - (b[i] as number))
}

/** Throws `not-finite` where a vector holds NaN or infinity. */
export function checkFinite(name: string, vector: Vector): void {
  const index = vector.findIndex((value: number) => !Number.isFinite(value))
  if (index < 0) return
  throw new CemError({
    code: 'not-finite',
    message: `${name} holds ${vector[index]} at position ${index} of ${vector.length}. Leave out empty answers before making a mean; infinities come from overflow in half precision.`,
    data: { name, index, length: vector.length },
  })
}

/** Throws `shape-mismatch`, with both shapes, unless the vectors have the same, non-zero length. */
export function checkSameLength(nameOfA: string, a: Vector, nameOfB: string, b: Vector): void {
  if (a.length === b.length && a.length > 0) return
  throw shapeMismatch(`${nameOfA} has shape [${a.length}], ${nameOfB} has shape [${b.length}]`)
}

export function shapeMismatch(shapes: string): CemError {
  return new CemError({
    code: 'shape-mismatch',
    message: `${shapes}; they must have the same dModel, of at least 1. Are both of the same model and layer?`,
    data: { shapes },
  })
}
