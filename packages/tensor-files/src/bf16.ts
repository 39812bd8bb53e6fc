import { checkRoom } from './conversion-length.ts'

/**
 * Widens bfloat16 to float32, exactly.
 *
 * @param bits raw bfloat16 bits.
 * @param out where to put the values; at least as long as `bits`.
 * @returns `out`.
 * @throws CemError `tensor-invalid` where `out` is shorter.
 */
export function bf16ToFloat32(
  bits: Uint16Array,
  out: Float32Array = new Float32Array(bits.length),
): Float32Array {
  checkRoom(bits, out)
  const words = new Int32Array(out.buffer, out.byteOffset, bits.length)
  for (let i = 0; i < words.length; i++) words[i] = (bits[i] as number) << 16
  return out
}

/**
 * Rounds float32 to bfloat16, to nearest, ties to even. Too large becomes infinity; NaN stays NaN (made quiet).
 *
 * @param out where to put the bits; at least as long as `values`.
 * @returns `out`, raw bfloat16 bits.
 * @throws CemError `tensor-invalid` where `out` is shorter.
 */
export function float32ToBf16(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  checkRoom(values, out)
  const words = new Int32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number
    const isNotANumber = (word & 0x7fffffff) > 0x7f800000
    // Adding just under half, and the lowest kept bit, carries exactly where nearest-even rounds up.
    out[i] = isNotANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
  return out
}
