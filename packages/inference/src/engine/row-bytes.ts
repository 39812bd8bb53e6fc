import type { Architecture } from '../families/architecture.ts'

/** Bytes of the keys and values of one row of a batch, at a capacity in tokens. */
export function cacheRowBytes(
  { nLayers, nKvHeads, headDim }: Architecture,
  capacity: number,
): number {
  return nLayers * 2 * nKvHeads * headDim * capacity * 4
}
