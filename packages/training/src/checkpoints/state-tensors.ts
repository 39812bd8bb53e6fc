import { float32ToBf16, type TensorToWrite } from '@cem/tensor-files'
import type { ParameterSpec } from '../trainer/trainer.ts'

/** Types that trained weights are saved in. */
export const savedDtypes = ['F32', 'BF16'] as const
export type SavedDtype = (typeof savedDtypes)[number]

/** Cuts a flat vector into its tensors, in the order of the parameters. */
export function toTensors(
  parameters: readonly ParameterSpec[],
  flat: Float32Array,
  { dtype = 'F32', prefix = '' }: { readonly dtype?: SavedDtype; readonly prefix?: string } = {},
): TensorToWrite[] {
  let start = 0
  return parameters.map(({ name, shape }) => {
    const end = start + shape.reduce((size, n) => size * n, 1)
    const values = flat.subarray(start, end)
    start = end
    const data = dtype === 'F32' ? values : float32ToBf16(values)
    return { name: `${prefix}${name}`, dtype, shape: [...shape], data }
  })
}
