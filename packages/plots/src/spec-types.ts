import type { TopLevelSpec } from 'vega-lite'

/** One chart of a concatenation. */
export type ChartSpec = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number]
/** A chart of layers. */
export type PanelSpec = Extract<ChartSpec, { layer: unknown }>
export type LayerSpec = PanelSpec['layer'][number]
