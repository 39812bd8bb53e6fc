import { expect, test } from 'vitest'
import { toRowMajor } from './c-order.ts'

test('every width is reordered, bit for bit', () => {
  // Element [i, j] of a 2 x 3 array lies at i + 2 * j.
  const from = [0, 2, 4, 1, 3, 5]
  const shape = [2, 3]
  expect(toRowMajor({ dtype: 'U8', shape, data: Uint8Array.of(0, 1, 2, 3, 4, 5) })).toEqual({
    dtype: 'U8',
    shape,
    data: Uint8Array.from(from),
  })
  const halves = Uint16Array.of(0, 1, 2, 3, 4, 0x7e01)
  expect([...toRowMajor({ dtype: 'F16', shape, data: halves }).data].at(-1)).toBe(0x7e01)
  const signalling = new Float32Array(Uint32Array.of(0, 1, 2, 3, 4, 0x7f800001).buffer)
  const reordered = toRowMajor({ dtype: 'F32', shape, data: signalling }).data as Float32Array
  expect([...new Uint32Array(reordered.buffer)]).toEqual([0, 2, 4, 1, 3, 0x7f800001])
  const long = BigInt64Array.of(0n, 1n, 2n, 3n, 4n, -(2n ** 63n))
  expect([...toRowMajor({ dtype: 'I64', shape, data: long }).data]).toEqual([
    0n,
    2n,
    4n,
    1n,
    3n,
    -(2n ** 63n),
  ])
})

test('vectors, scalars and empty arrays are the same in both orders', () => {
  for (const shape of [[], [1], [0, 2], [2, 0]]) {
    const array = { dtype: 'U8', shape, data: new Uint8Array(shape.includes(0) ? 0 : 1) } as const
    expect(toRowMajor(array)).toBe(array)
  }
})
