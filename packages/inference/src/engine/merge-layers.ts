import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { Composition, CompositionLayer } from '../composition/composition.ts'
import type { WeightLocation, WeightLocations } from '../graph/weight-source.ts'
import { readJson } from '../model/read-json.ts'
import { adapterSpec, layerKey } from './adapter-spec.ts'
import type { Engine } from './engine.ts'
import { locateMerged } from './locate-merged.ts'

export interface MergedWeights {
  readonly weights: WeightLocations
  /** The largest share of a layer's change that rounding lost. */
  readonly lostShare: number
}

export interface MergeOptions {
  readonly engine: Engine
  /** Where merged weights are kept. */
  readonly cache: string
  readonly signal?: AbortSignal | undefined
}

/** Merges layer after layer, each rounded as a merged checkpoint on disk would be. Made once and kept. */
export async function mergeLayers(
  composition: Composition,
  layers: readonly CompositionLayer[],
  options: MergeOptions,
): Promise<MergedWeights> {
  const { base } = await composition.record()
  let key = createHash('sha256')
    .update(base.files.map((f) => f.sha256).join())
    .digest('hex')
  let weights: WeightLocations = composition.base.weights
  let lostShare = 0
  for (const layer of layers) {
    key = createHash('sha256')
      .update(`${key}:${layerKey(layer)}`)
      .digest('hex')
    const merged = await mergeOne(layer, weights, key, options)
    weights = new Map([...weights, ...merged.weights])
    lostShare = Math.max(lostShare, merged.lostShare)
  }
  return { weights, lostShare }
}

async function mergeOne(
  { adapter, weight }: CompositionLayer,
  weights: WeightLocations,
  key: string,
  { engine, cache, signal }: MergeOptions,
): Promise<MergedWeights> {
  const output = join(cache, 'merged', `${key}.safetensors`)
  const note = join(cache, 'merged', `${key}.json`)
  if (existsSync(output) && existsSync(note)) {
    const { lostShare } = (await readJson(note)) as { lostShare: number }
    return { weights: await locateMerged(output), lostShare }
  }
  const changed = new Map(
    adapter.modules.map(({ path }) => [path, weights.get(`${path}.weight`) as WeightLocation]),
  )
  const spec = { adapter: adapterSpec(adapter), weight, weights: changed, output }
  const report = await engine.call('merge', spec, { signal })
  await writeFileAtomic(note, JSON.stringify({ lostShare: report.lostShare }))
  return report
}
