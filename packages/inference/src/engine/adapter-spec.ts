import type { Adapter } from '../adapters/open-adapter.ts'
import type { CompositionLayer } from '../composition/composition.ts'
import type { AdapterSpec } from './messages.ts'

/** Equal for adapters that are the same, wherever they lie. */
export function adapterKey(adapter: Adapter): string {
  return `${adapter.sha256}:${adapter.configSha256}`
}

/** What a layer changes. */
export function layerKey({ adapter, weight }: CompositionLayer): string {
  return weight === 1 ? adapterKey(adapter) : `${adapterKey(adapter)}*${weight}`
}

/** An adapter as the engine takes it. */
export function adapterSpec(adapter: Adapter): AdapterSpec {
  const modules = adapter.modules.map(({ path, rank, scale, nIn, nOut, a, b }) => ({
    path,
    rank,
    scale,
    nIn,
    nOut,
    a,
    b,
  }))
  return { key: adapterKey(adapter), modules }
}
