/** Rows of a matrix in 8 bits: w = (value - zeroPoint) * scale, with a scale and a zero point for each block of a row. */
export interface QuantizedRows {
  /** [nRows, nBlocks, blockSize]; what lies right of the row's end is the block's zero point. */
  readonly values: Uint8Array
  /** [nRows, nBlocks] */
  readonly zeroPoints: Uint8Array
}

/** Sizes of rows, [nRows, nIn] row-major, and of their blocks. */
export interface BlockSizes {
  readonly nIn: number
  readonly blockSize: number
}

/** Added to and taken from a number below 2^51, it rounds to the nearest integer, ties to even. */
const roundMagic = 6755399441055744

/**
 * The scale of each block: (hi - lo) / 255 as a 32-bit float, with lo = min(0, smallest) and hi = max(0, largest).
 *
 * @returns [nRows, nBlocks]; undefined where a number is NaN or infinite
 */
export function blockScales(
  rows: Float32Array,
  { nIn, blockSize }: BlockSizes,
): Float32Array | undefined {
  const nBlocks = Math.ceil(nIn / blockSize)
  const scales = new Float32Array((rows.length / nIn) * nBlocks)
  let sum = 0
  for (let block = 0; block < scales.length; block++) {
    const row = Math.floor(block / nBlocks)
    const start = row * nIn + (block - row * nBlocks) * blockSize
    const end = Math.min(start + blockSize, (row + 1) * nIn)
    let low = 0
    let high = 0
    for (let i = start; i < end; i++) {
      const weight = rows[i] as number
      if (weight < low) low = weight
      else if (weight > high) high = weight
      // Comparisons pass over NaN; a sum of 64-bit floats does not, and 32-bit numbers cannot make it overflow.
      sum += weight
    }
    scales[block] = (high - low) / 255
  }
  return Number.isFinite(sum) ? scales : undefined
}

/**
 * Quantizes rows, each block on its own: zero point = round(-lo / scale), value = round(w / scale) + zero point, held between 0
 * and 255; quotients in 64-bit floats, ties to even. Zero stays exactly zero; a weight moves by at most half a scale, or by
 * one where the range ends between two values. A block without a scale is zeros.
 *
 * @param scales what `blockScales` gives
 */
export function quantizeRows(
  rows: Float32Array,
  scales: Float32Array,
  { nIn, blockSize }: BlockSizes,
): QuantizedRows {
  const nBlocks = Math.ceil(nIn / blockSize)
  // Its assignment holds values between 0 and 255.
  const values = new Uint8ClampedArray(scales.length * blockSize)
  const zeroPoints = new Uint8Array(scales.length)
  for (let block = 0; block < scales.length; block++) {
    const scale = scales[block] as number
    if (scale === 0) continue
    const row = Math.floor(block / nBlocks)
    const start = row * nIn + (block - row * nBlocks) * blockSize
    const length = Math.min(blockSize, (row + 1) * nIn - start)
    const at = block * blockSize
    let low = 0
    for (let i = start; i < start + length; i++)
      if ((rows[i] as number) < low) low = rows[i] as number
    const zeroPoint = Math.min(255, -low / scale + roundMagic - roundMagic)
    for (let i = 0; i < length; i++)
      values[at + i] = (rows[start + i] as number) / scale + roundMagic - roundMagic + zeroPoint
    if (length < blockSize) values.fill(zeroPoint, at + length, at + blockSize)
    zeroPoints[block] = zeroPoint
  }
  return { values: new Uint8Array(values.buffer), zeroPoints }
}
