import { expect, test } from 'vitest'
import { toFloat32 } from './to-float32.ts'

test('floats of every width become float32, and F32 is not copied', () => {
  const shape = [2]
  const data = Float32Array.of(1, -2)
  expect(toFloat32({ dtype: 'F32', shape, data }).data).toBe(data)
  const half = Uint16Array.of(0x3c00, 0xc000)
  expect(toFloat32({ dtype: 'F16', shape, data: half })).toEqual({ dtype: 'F32', shape, data })
  const brain = Uint16Array.of(0x3f80, 0xc000)
  expect(toFloat32({ dtype: 'BF16', shape, data: brain }).data).toEqual(data)
  const double = Float64Array.of(0.1, 1e300)
  expect([...toFloat32({ dtype: 'F64', shape, data: double }).data]).toEqual([
    Math.fround(0.1),
    Infinity,
  ])
})

test('integers are not taken for floats', () => {
  expect(() => toFloat32({ dtype: 'I32', shape: [1], data: Int32Array.of(1) })).toThrow(
    expect.objectContaining({ code: 'tensor-not-float', message: expect.stringContaining('I32') }),
  )
})
