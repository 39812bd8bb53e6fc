/**
 * Bits of one element, for every dtype that the safetensors format names. The order is that of the reference
 * implementation, which lays out a file by descending position in this list.
 */
const bitsOfDtype = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const

/** The type of a tensor's elements, by its name in safetensors files. */
export type Dtype = keyof typeof bitsOfDtype

/** All dtypes, in the order of the reference implementation. */
export const dtypes: readonly Dtype[] = Object.keys(bitsOfDtype) as Dtype[]

/** Whether a string is the name of a type that safetensors files have. */
export function isDtype(value: string): value is Dtype {
  return Object.hasOwn(bitsOfDtype, value)
}

/** Bits of one element: 4 and 6 for the packed floats, else a multiple of 8. */
export function bitsPerElement(dtype: Dtype): number {
  return bitsOfDtype[dtype]
}
