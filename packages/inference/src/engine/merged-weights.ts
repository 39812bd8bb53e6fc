import type { Composition } from '../composition/composition.ts'
import type { WeightLocations } from '../graph/weight-source.ts'
import { cacheFolder } from '../model/file-identity.ts'
import { Engine } from './engine.ts'
import { mergeLayers } from './merge-layers.ts'

export interface MergedWeightsOptions {
  /** Where merged weights are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Where the weights of a composition lie, its merged layers in them; stacked layers are left aside.
 *
 * @throws CemError `engine-died`, `file-write-failed`; `signal.reason`
 */
export async function mergedWeights(
  composition: Composition,
  { cache = cacheFolder(), signal }: MergedWeightsOptions = {},
): Promise<WeightLocations> {
  const merged = composition.layers.filter(({ mode }) => mode === 'merged')
  if (merged.length === 0) return composition.base.weights
  await using engine = new Engine()
  return (await mergeLayers(composition, merged, { engine, cache, signal })).weights
}
