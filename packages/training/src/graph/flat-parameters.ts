import type { ParameterSpec } from '../trainer/trainer.ts'

export function sizeOf({ shape }: ParameterSpec): number {
  return shape.reduce((a, b) => a * b, 1)
}

export function totalSize(parameters: readonly ParameterSpec[]): number {
  return parameters.reduce((sum, parameter) => sum + sizeOf(parameter), 0)
}

/** The parts of one vector of all parameters that belong to each, in their order, without copying them. */
export function viewsOf(parameters: readonly ParameterSpec[], flat: Float32Array): Float32Array[] {
  let offset = 0
  return parameters.map((parameter) => {
    const start = offset
    offset += sizeOf(parameter)
    return flat.subarray(start, offset)
  })
}
