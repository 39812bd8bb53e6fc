import { expect, test } from 'vitest'
import { bitsPerElement, dtypes, isDtype } from './dtypes.ts'
import { byteLengthOf, elementCount } from './shape.ts'

test('the dtypes are those of safetensors 0.8, in its order', () => {
  // As its own error message lists them.
  const listed =
    'BOOL F4 F6_E2M3 F6_E3M2 U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64'
  expect(dtypes.join(' ')).toBe(listed)
})

test('sizes follow from shape and width', () => {
  expect(dtypes.map((dtype) => bitsPerElement(dtype)).join(' ')).toBe(
    '8 4 6 6 8 8 8 8 8 8 8 16 16 16 16 32 32 32 64 64 64 64',
  )
  expect(byteLengthOf('BF16', [3, 4])).toBe(24)
  expect(byteLengthOf('F4', [3])).toBe(1.5)
  expect(byteLengthOf('F64', [])).toBe(8)
  expect(elementCount([0, 2 ** 52])).toBe(0)
  expect(elementCount([2 ** 30, 2 ** 30])).toBe(Infinity)
})

test('names of Object.prototype are no dtypes', () => {
  expect(isDtype('BF16')).toBe(true)
  for (const name of ['toString', '__proto__', 'bf16', '']) expect(isDtype(name)).toBe(false)
})
