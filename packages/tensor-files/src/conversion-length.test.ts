import { expect, test } from 'vitest'
import { bf16ToFloat32, float32ToBf16 } from './bf16.ts'
import { f16ToFloat32, float32ToF16 } from './f16.ts'

test('a result that is too short is refused, and nothing beside it is written', () => {
  const all = new Float32Array(4)
  for (const widen of [bf16ToFloat32, f16ToFloat32])
    expect(() => widen(Uint16Array.of(1, 2, 3), all.subarray(0, 2))).toThrow(
      'room for 2 values, and there are 3',
    )
  expect([...all]).toEqual([0, 0, 0, 0])
  for (const narrow of [float32ToBf16, float32ToF16])
    expect(() => narrow(Float32Array.of(1, 2), new Uint16Array(1))).toThrow('room for 1 values')
})

test('a longer result is filled from its start', () => {
  expect([...float32ToBf16(Float32Array.of(1), Uint16Array.of(7, 7))]).toEqual([0x3f80, 7])
  expect([...f16ToFloat32(Uint16Array.of(0x3c00), Float32Array.of(7, 7))]).toEqual([1, 7])
})
