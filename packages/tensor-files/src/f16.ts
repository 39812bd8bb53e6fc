import { checkRoom } from './conversion-length.ts'

/**
 * Widens IEEE 754 half precision to float32, exactly.
 *
 * @param bits raw float16 bits.
 * @param out where to put the values; at least as long as `bits`.
 * @returns `out`.
 * @throws CemError `tensor-invalid` where `out` is shorter.
 */
export function f16ToFloat32(
  bits: Uint16Array,
  out: Float32Array = new Float32Array(bits.length),
): Float32Array {
  checkRoom(bits, out)
  table ??= makeTable()
  // Moved as integers: moved as floats, the payload of a NaN may be lost.
  const words = new Int32Array(out.buffer, out.byteOffset, bits.length)
  for (let i = 0; i < words.length; i++) words[i] = table[bits[i] as number] as number
  return out
}

/**
 * Rounds float32 to IEEE 754 half precision, to nearest, ties to even. From 65520 on it becomes infinity, below 2^-14
 * subnormal; NaN stays NaN (made quiet).
 *
 * @param out where to put the bits; at least as long as `values`.
 * @returns `out`, raw float16 bits.
 * @throws CemError `tensor-invalid` where `out` is shorter.
 */
export function float32ToF16(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  checkRoom(values, out)
  const words = new Int32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < words.length; i++) out[i] = halfOf(words[i] as number)
  return out
}

/** float32 bits for each of the 65536 halves; 256 KiB, made at first use. */
let table: Int32Array | undefined

function makeTable(): Int32Array {
  const words = new Int32Array(65536)
  const values = new Float32Array(words.buffer)
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16
    const exponent = (half >>> 10) & 0x1f
    const mantissa = half & 0x3ff
    if (exponent === 0) {
      values[half] = mantissa * 2 ** -24
      words[half] = (words[half] as number) | sign
    } else {
      // Bias 15 becomes bias 127; all ones (infinity, NaN) stays all ones.
      const wide = exponent === 31 ? 255 : exponent + 112
      words[half] = sign | (wide << 23) | (mantissa << 13)
    }
  }
  return words
}

const firstInfinite = 0x47800000 // 2^16
const firstNormal = 0x38800000 // 2^-14
const infinity = 0x7f800000

function halfOf(word: number): number {
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude >= firstInfinite)
    return magnitude > infinity ? sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff) : sign | 0x7c00
  if (magnitude >= firstNormal) {
    // Rebias by -112; a carry out of the mantissa raises the exponent, up to infinity, as it must.
    const rebased = magnitude - (112 << 23)
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13)
  }
  const shift = 126 - (magnitude >>> 23)
  if (shift > 24) return sign // Below 2^-25: nearer to 0 than to the smallest subnormal.
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  return sign | ((mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift)
}
