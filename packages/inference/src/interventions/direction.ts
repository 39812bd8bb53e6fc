import { createHash } from 'node:crypto'

/** Euclidean length, summed in 64 bits. */
export function normOf(direction: Float32Array): number {
  return Math.sqrt(direction.reduce((sum, value) => sum + value * value, 0))
}

/** SHA-256 of the little-endian bytes, as the direction was given. */
export function directionSha256(direction: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(direction.length * 4))
  for (const [i, value] of direction.entries()) bytes.setFloat32(i * 4, value, true)
  return createHash('sha256').update(bytes).digest('hex')
}
