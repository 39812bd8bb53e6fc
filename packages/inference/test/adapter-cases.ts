import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LayerRequest } from '../src/index.ts'
import { fixtures, type GoldenModel, modelNamed } from './golden.ts'

export interface CaseLayer {
  readonly adapter: string
  readonly mode: 'stacked' | 'merged'
  readonly weight: number
}

interface CaseAdapter {
  readonly name: string
  readonly note: string
  readonly folder: string
  readonly golden: string
  /** What PEFT made of its config. */
  readonly modules: Readonly<Record<string, { readonly rank: number; readonly scale: number }>>
}

interface CaseModel {
  readonly model: string
  readonly adapters: readonly CaseAdapter[]
  readonly compositions: readonly {
    readonly name: string
    readonly layers: readonly CaseLayer[]
    readonly golden: string
  }[]
}

const cases = JSON.parse(readFileSync(join(fixtures, 'adapter-cases/manifest.json'), 'utf8')) as {
  readonly models: readonly CaseModel[]
}

/** Models of the fixtures with what `adapter_cases.py` adds to them. */
export const adapterCases = cases.models.map((entry) => ({
  ...entry,
  golden: modelNamed(entry.model),
}))

/** The folder of an adapter of a model, of either manifest. */
export function adapterFolder(golden: GoldenModel, name: string): string {
  const added = cases.models.find((entry) => entry.model === golden.name)?.adapters ?? []
  const found = [...golden.adapters, ...added].find((adapter) => adapter.name === name)
  if (found === undefined) throw new Error(`no fixture adapter ${name} of ${golden.name}`)
  return join(fixtures, found.folder)
}

export function caseLayers(golden: GoldenModel, layers: readonly CaseLayer[]): LayerRequest[] {
  return layers.map(({ adapter, mode, weight }) => ({
    role: 'em',
    mode,
    weight,
    adapter: adapterFolder(golden, adapter),
  }))
}
