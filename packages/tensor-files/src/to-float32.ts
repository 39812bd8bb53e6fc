import { CemError } from '@cem/core'
import { bf16ToFloat32 } from './bf16.ts'
import type { Dtype } from './dtypes.ts'
import { f16ToFloat32 } from './f16.ts'
import type { Float32Tensor, Tensor } from './tensor.ts'

/** Dtypes that are read as 32-bit floats. */
export const float32Sources = ['F32', 'BF16', 'F16', 'F64'] as const
export type Float32Source = (typeof float32Sources)[number]

/**
 * The tensor as 32-bit floats: F32 as it is (no copy), BF16 and F16 exactly, F64 rounded to nearest.
 *
 * @throws CemError `tensor-not-float` for any other dtype.
 */
export function toFloat32(tensor: Tensor): Float32Tensor {
  const { dtype, shape } = tensor
  switch (dtype) {
    case 'F32':
      return tensor
    case 'BF16':
      return { dtype: 'F32', shape, data: bf16ToFloat32(tensor.data) }
    case 'F16':
      return { dtype: 'F32', shape, data: f16ToFloat32(tensor.data) }
    case 'F64':
      return { dtype: 'F32', shape, data: new Float32Array(tensor.data) }
    default:
      throw notFloat(dtype, 'The tensor')
  }
}

export function isFloat32Source(dtype: Dtype): dtype is Float32Source {
  return (float32Sources as readonly Dtype[]).includes(dtype)
}

export function notFloat(dtype: Dtype, subject: string): CemError {
  return new CemError({
    code: 'tensor-not-float',
    message: `${subject} has dtype ${dtype}, which is not converted to 32-bit floats (${float32Sources.join(', ')} are). Read it with read().`,
    data: { dtype, convertible: float32Sources },
  })
}
