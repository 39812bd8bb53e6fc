import type { Dtype } from './dtypes.ts'

/**
 * How each dtype is held in memory. F16 and BF16 are raw bits; the 8-bit, 6-bit and 4-bit floats are raw (packed) bytes;
 * C64 is real and imaginary parts in turn; BOOL is a byte per element.
 */
export interface TensorDataOf {
  BOOL: Uint8Array
  F4: Uint8Array
  F6_E2M3: Uint8Array
  F6_E3M2: Uint8Array
  U8: Uint8Array
  I8: Int8Array
  F8_E5M2: Uint8Array
  F8_E4M3: Uint8Array
  F8_E8M0: Uint8Array
  F8_E4M3FNUZ: Uint8Array
  F8_E5M2FNUZ: Uint8Array
  I16: Int16Array
  U16: Uint16Array
  F16: Uint16Array
  BF16: Uint16Array
  I32: Int32Array
  U32: Uint32Array
  F32: Float32Array
  C64: Float32Array
  F64: Float64Array
  I64: BigInt64Array
  U64: BigUint64Array
}

export type TensorData = TensorDataOf[Dtype]

/** A tensor in memory. Checking `dtype` narrows the type of `data`. */
export type Tensor = {
  [D in Dtype]: {
    readonly dtype: D
    /** Sizes, outermost first; `[]` is a scalar. */
    readonly shape: readonly number[]
    /** Row-major, last index fastest. */
    readonly data: TensorDataOf[D]
  }
}[Dtype]

/** A tensor as 32-bit floats. */
export interface Float32Tensor {
  readonly dtype: 'F32'
  readonly shape: readonly number[]
  /** Row-major, last index fastest. */
  readonly data: Float32Array
}

/** What a tensor is, without its data. */
export interface TensorSpec {
  readonly dtype: Dtype
  /** Sizes, outermost first; `[]` is a scalar. */
  readonly shape: readonly number[]
}

/** Reads `[start, end)` of the first axis instead of all of it. */
export interface RowRange {
  /** First row, at least 0. */
  readonly start: number
  /** One past the last row, at most `shape[0]`. */
  readonly end: number
}

export interface ReadOptions {
  /** Only these rows (indices along the first axis). @default all */
  readonly rows?: RowRange
  /** Stops the read with `signal.reason`. */
  readonly signal?: AbortSignal
}

const arrayClasses = {
  BOOL: Uint8Array,
  F4: Uint8Array,
  F6_E2M3: Uint8Array,
  F6_E3M2: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3: Uint8Array,
  F8_E8M0: Uint8Array,
  F8_E4M3FNUZ: Uint8Array,
  F8_E5M2FNUZ: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  C64: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const

/** The typed-array class that holds a dtype. */
export function arrayClassOf(dtype: Dtype) {
  return arrayClasses[dtype]
}

/** A tensor over the bytes of a buffer, without a copy. The caller vouches that shape and buffer agree. */
export function tensorOver(dtype: Dtype, shape: readonly number[], buffer: ArrayBuffer): Tensor {
  return { dtype, shape, data: new arrayClasses[dtype](buffer) } as Tensor
}
