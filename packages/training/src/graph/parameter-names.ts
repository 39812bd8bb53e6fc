import type { Architecture } from '@cem/inference'
import { type AdaptedModule, expectedWeights } from '@cem/inference/graph'
import type { ParameterSpec } from '../trainer/trainer.ts'

/** The names that PEFT gives the matrices of a module's adapter in its files. */
export function loraNames(path: string): { readonly a: string; readonly b: string } {
  const name = `base_model.model.${path}`
  return { a: `${name}.lora_A.weight`, b: `${name}.lora_B.weight` }
}

/** A [rank, nIn] and B [nOut, rank] of each module. */
export function loraParameters(modules: readonly AdaptedModule[]): ParameterSpec[] {
  return modules.flatMap(({ path, rank, nIn, nOut }) => {
    const names = loraNames(path)
    return [
      { name: names.a, shape: [rank, nIn] },
      { name: names.b, shape: [nOut, rank] },
    ]
  })
}

/** Every weight of a model, a tied output head as the embeddings that it is. */
export function fullParameters(architecture: Architecture): ParameterSpec[] {
  return Array.from(expectedWeights(architecture), ([name, shape]) => ({ name, shape }))
}
