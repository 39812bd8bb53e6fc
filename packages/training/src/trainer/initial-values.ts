import { readWeight, type WeightLocation } from '@cem/inference/graph'
import { fillLoraA } from '../adapters/initial-lora.ts'
import { sizeOf, totalSize } from '../graph/flat-parameters.ts'
import { fullParameters, loraParameters } from '../graph/parameter-names.ts'
import type { ParameterSpec } from './trainer.ts'
import type { TrainedSpec, TrainerSpec } from './trainer-messages.ts'

export function parametersOf({
  architecture,
  trained,
}: Pick<TrainerSpec, 'architecture' | 'trained'>): ParameterSpec[] {
  return trained.type === 'full' ? fullParameters(architecture) : loraParameters(trained.modules)
}

/** The values that training starts from, in the order of the parameters. */
export function initialValues(spec: TrainerSpec): Float32Array {
  const parameters = parametersOf(spec)
  const flat = new Float32Array(totalSize(parameters))
  let offset = 0
  if (spec.trained.type === 'lora') {
    fillAdapter(flat, spec.trained)
    return flat
  }
  for (const parameter of parameters) {
    flat.set(readWeight(spec.weights.get(parameter.name) as WeightLocation), offset)
    offset += sizeOf(parameter)
  }
  return flat
}

function fillAdapter(
  flat: Float32Array,
  { modules, seed, initial }: Extract<TrainedSpec, { type: 'lora' }>,
): void {
  let offset = 0
  for (const { path, rank, nIn, nOut } of modules) {
    const a = flat.subarray(offset, offset + rank * nIn)
    const b = flat.subarray(offset + a.length, offset + a.length + nOut * rank)
    const known = initial?.get(path)
    if (known === undefined) fillLoraA(a, nIn, seed, path)
    else {
      a.set(readWeight(known.a))
      b.set(readWeight(known.b))
    }
    offset += a.length + b.length
  }
}

/** 1 for each number of a matrix, 0 for those of biases and norms; null where all are matrices. */
export function decayMask(parameters: readonly ParameterSpec[]): Float32Array | null {
  if (parameters.every(({ shape }) => shape.length > 1)) return null
  const mask = new Float32Array(totalSize(parameters))
  let offset = 0
  for (const parameter of parameters) {
    const end = offset + sizeOf(parameter)
    if (parameter.shape.length > 1) mask.fill(1, offset, end)
    offset = end
  }
  return mask
}
