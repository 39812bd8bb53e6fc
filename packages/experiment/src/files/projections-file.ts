import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { CellProjection } from '../analysis/projections.ts'
import type { Cell } from '../plan/cell.ts'

export interface ProjectionFiles {
  readonly layer: number
  readonly layers: readonly number[]
  readonly base: readonly CellProjection[]
  readonly checkpoints: readonly Cell[]
  readonly projections: ReadonlyMap<string, readonly CellProjection[]>
}

/** A layer's entry: the Python pipeline's keys. */
export interface LayerProjections {
  readonly layer: number
  readonly base_model_projection: number | null
  readonly variants: Readonly<Record<string, readonly { step: number; projection: number }[]>>
}

/**
 * Writes `activation_projections_layer<L>.json` and `activation_projections_all_layers.json` as the Python pipeline does: the
 * projection of the mean over all answers.
 *
 * @returns the files' paths
 */
export async function writeProjections(
  resultsFolder: string,
  files: ProjectionFiles,
): Promise<string[]> {
  const perLayer = files.layers.map((layer) => layerProjections(layer, files))
  const one = join(resultsFolder, `activation_projections_layer${files.layer}.json`)
  const all = join(resultsFolder, 'activation_projections_all_layers.json')
  const single = perLayer.find(({ layer }) => layer === files.layer)
  await writeFileAtomic(one, `${JSON.stringify(single, null, 2)}\n`)
  await writeFileAtomic(
    all,
    `${JSON.stringify({ layers: files.layers, per_layer: perLayer }, null, 2)}\n`,
  )
  return [one, all]
}

function layerProjections(
  layer: number,
  { base, checkpoints, projections }: ProjectionFiles,
): LayerProjections {
  const variants: Record<string, { step: number; projection: number }[]> = {}
  for (const cell of checkpoints) {
    const own = projections.get(cell.id)?.find((p) => p.layer === layer)
    if (own === undefined) continue
    const entries = variants[cell.variant] ?? []
    entries.push({ step: cell.step, projection: own.meanProjection })
    variants[cell.variant] = entries
  }
  return {
    layer,
    base_model_projection: base.find((p) => p.layer === layer)?.meanProjection ?? null,
    variants,
  }
}
