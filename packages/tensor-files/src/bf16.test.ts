import { expect, test } from 'vitest'
import { golden } from '../test/support/files.ts'
import { bf16ToFloat32, float32ToBf16 } from './bf16.ts'
import { openSafetensors } from './open-safetensors.ts'

const words = (...bits: number[]) => new Float32Array(Uint32Array.from(bits).buffer)
const isNotANumber = (bits: number) => (bits & 0x7fff) > 0x7f80
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer)

test('bfloat16 is the upper half of float32', () => {
  const values = bf16ToFloat32(Uint16Array.from([0x3f80, 0xc040, 0x7f80, 0xff80, 0x8000, 0x0001]))
  expect([...values]).toEqual([1, -3, Infinity, -Infinity, -0, 2 ** -133])
  expect(bf16ToFloat32(Uint16Array.of(0x7fc0))[0]).toBeNaN()
})

test('float32 is rounded to nearest, ties to even', () => {
  const cases: readonly (readonly [number, number])[] = [
    [0x3f800000, 0x3f80], // 1
    [0x3f807fff, 0x3f80], // just under half
    [0x3f808000, 0x3f80], // half, even below
    [0x3f808001, 0x3f81], // just over half
    [0x3f818000, 0x3f82], // half, odd below
    [0xbf818000, 0xbf82], // the same, negative
    [0x7f7fffff, 0x7f80], // the largest float32 becomes infinity
    [0xff7fffff, 0xff80],
    [0x00008000, 0x0000], // half of the smallest subnormal
    [0x00018000, 0x0002],
    [0x7f800000, 0x7f80], // infinity
    [0x80000000, 0x8000], // -0
  ]
  const rounded = float32ToBf16(words(...cases.map(([from]) => from)))
  expect([...rounded]).toEqual(cases.map(([, to]) => to))
})

test('NaN stays NaN, also where its payload lies in the bits that are cut off', () => {
  const nans = words(0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000)
  const back = bf16ToFloat32(float32ToBf16(nans))
  expect([...back].every(Number.isNaN)).toBe(true)
  expect([...bitsOf(back)].map((bits) => bits >>> 31)).toEqual([0, 1, 0, 1, 0])
})

test('every bfloat16 survives the way through float32', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i)
  const back = float32ToBf16(bf16ToFloat32(all))
  const changed = all.filter((bits, i) => bits !== back[i] && !isNotANumber(bits))
  expect([...changed]).toEqual([])
})

test('430 values are rounded as torch rounds them', async () => {
  await using file = await openSafetensors(golden('rounding.safetensors'))
  const { data: values } = await file.readFloat32('values')
  const { data: expected } = await file.readFloat32('bf16')
  expect(bf16ToFloat32(float32ToBf16(values))).toEqual(expected)
})

test('results go where they are wanted, also into the middle of a buffer', () => {
  const out = new Float32Array(4)
  bf16ToFloat32(Uint16Array.of(0x3f80, 0x4000), out.subarray(1))
  expect([...out]).toEqual([0, 1, 2, 0])
  const bits = new Uint16Array(3)
  float32ToBf16(out.subarray(1, 3), bits.subarray(1))
  expect([...bits]).toEqual([0, 0x3f80, 0x4000])
  expect(bf16ToFloat32(new Uint16Array()).length).toBe(0)
  expect(() => bf16ToFloat32(new Uint16Array(5), out)).toThrow('room for 4 values')
})
