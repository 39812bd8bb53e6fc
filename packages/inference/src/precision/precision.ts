/** In what numbers the linear layers and the output head are computed; everything else is in 32-bit floats. */
export const precisions = ['f32', 'int8'] as const
export type Precision = (typeof precisions)[number]

/**
 * How weights of 8 bits are made and used: what two int8 results must share to be comparable. A change of any of it, or of
 * the rounding, is another `version`.
 */
export interface Quantization {
  readonly scheme: 'block-affine'
  readonly version: number
  readonly bits: 8
  /** Weights along the input that share a scale and a zero point. */
  readonly blockSize: number
  /** What the runtime computes the products in: it rounds each block of the input to 8 bits too. */
  readonly accuracyLevel: number
}

/**
 * Blocks of 32 with a zero point err least of what was measured (the error of normal weights is 0.48 % of their size; 0.54 %
 * without a zero point, 0.59 % in blocks of 128) and are at most 15 % slower than the longest. Accuracy level 4 rounds the
 * inputs too, which adds an error of that size; levels 0 and 1 unpack to floats at each product, several times slower than
 * weights in 32-bit floats.
 */
export const int8: Quantization = {
  scheme: 'block-affine',
  version: 1,
  bits: 8,
  blockSize: 32,
  accuracyLevel: 4,
}

/** What a precision is recorded as; null for weights as they are. */
export function quantizationOf(precision: Precision): Quantization | null {
  return precision === 'int8' ? int8 : null
}
