import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSafetensors } from '@cem/tensor-files'
import type { Intervention } from '../src/index.ts'
import { fixtures } from './golden.ts'

export interface InterventionCase {
  readonly name: string
  readonly interventions: readonly (Record<string, unknown> & { readonly direction: number })[]
}

export interface InterventionModel {
  readonly name: string
  readonly prompt: readonly number[]
  readonly golden: string
  readonly cases: readonly InterventionCase[]
}

/** What hooks in PyTorch computed. */
export const golden = JSON.parse(readFileSync(join(fixtures, 'interventions.json'), 'utf8')) as {
  readonly nTokens: number
  readonly nDirections: number
  readonly models: readonly InterventionModel[]
}

export interface InterventionNumbers {
  readonly floats: (name: string) => Float32Array
  readonly integers: (name: string) => number[]
  readonly interventionsOf: (of: InterventionCase) => Intervention[]
}

export async function readNumbers(entry: InterventionModel): Promise<InterventionNumbers> {
  const tensors = new Map<string, Float32Array>()
  const integers = new Map<string, number[]>()
  await using file = await openSafetensors(join(fixtures, entry.golden))
  for (const [name, { dtype }] of file.tensors)
    if (dtype === 'I64')
      integers.set(name, Array.from((await file.read(name)).data as BigInt64Array, Number))
    else tensors.set(name, (await file.readFloat32(name)).data)
  const floats = (name: string) => tensors.get(name) as Float32Array
  return {
    floats,
    integers: (name) => integers.get(name) ?? [],
    interventionsOf: ({ interventions }) =>
      interventions.map(
        (i) => ({ ...i, direction: floats(`direction_${i.direction}`) }) as unknown as Intervention,
      ),
  }
}
