import { expect, test } from 'vitest'
import { golden } from '../test/support/files.ts'
import { f16ToFloat32, float32ToF16 } from './f16.ts'
import { openSafetensors } from './open-safetensors.ts'

const all = Uint16Array.from({ length: 65536 }, (_, i) => i)
const isNotANumber = (bits: number) => (bits & 0x7fff) > 0x7c00

/** The definition in IEEE 754: sign, 5 exponent bits with bias 15, 10 fraction bits. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 31
  const fraction = (bits & 1023) / 1024
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15))
}

/** The next value up. That of the largest half, 0x7bff, is 65536 in all but name: infinity. */
function upperValue(bits: number): number {
  return bits === 0x7bff ? 65536 : halfValue(bits + 1)
}

test('all 65536 halves have the value that IEEE 754 defines', () => {
  const values = f16ToFloat32(all)
  const wrong = all.filter((bits) => !Object.is(values[bits], halfValue(bits)))
  expect([...wrong]).toEqual([])
})

test('every half survives the way through float32', () => {
  const back = float32ToF16(f16ToFloat32(all))
  const changed = all.filter((bits, i) => bits !== back[i] && !isNotANumber(bits))
  expect([...changed]).toEqual([])
})

test('between any two neighbours the nearer one is taken, and half-way the even one', () => {
  const lower = all.subarray(0, 0x7c00)
  const middle = Float32Array.from(lower, (bits) => (halfValue(bits) + upperValue(bits)) / 2)
  const words = Int32Array.from(new Int32Array(middle.buffer))
  const shifted = (by: number) => new Float32Array(words.map((word) => word + by).buffer)
  expect(float32ToF16(middle)).toEqual(lower.map((bits) => bits + (bits & 1)))
  expect(float32ToF16(shifted(-1))).toEqual(lower)
  expect(float32ToF16(shifted(1))).toEqual(lower.map((bits) => bits + 1))
  expect(float32ToF16(middle.map((value) => -value))).toEqual(
    lower.map((bits) => 0x8000 | (bits + (bits & 1))),
  )
})

test('what is too large becomes infinity, what is too small becomes zero, each with its sign', () => {
  const values = Float32Array.of(65519, 65520, 1e38, -Infinity, 2 ** -25, -(2 ** -26), 1e-45, -0)
  expect([...float32ToF16(values)].map((bits) => bits.toString(16))).toEqual(
    ['7bff', '7c00', '7c00', 'fc00', '0', '8000', '0', '8000'], // By the definition above.
  )
})

test('NaN stays NaN, also where its payload lies in the bits that are cut off', () => {
  const nans = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff).buffer)
  expect([...float32ToF16(nans)].map((bits) => isNotANumber(bits))).toEqual([true, true, true])
})

test('430 values are rounded as torch rounds them', async () => {
  await using file = await openSafetensors(golden('rounding.safetensors'))
  const { data: values } = await file.readFloat32('values')
  const { data: expected } = await file.readFloat32('f16')
  expect(f16ToFloat32(float32ToF16(values))).toEqual(expected)
})
