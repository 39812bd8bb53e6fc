import { type ActivationSet, openActivationSet } from '@cem/activations'
import { CemError, writeFileAtomic } from '@cem/core'
import { type Direction, type MeanDirection, meanDirection } from '@cem/direction'
import { createNpzWriter, openNpz } from '@cem/tensor-files'
import { samePrecision } from '../study/same-precision.ts'

/** A misalignment direction for each layer, and what it was made from. */
export interface DirectionSet {
  readonly layers: ReadonlyMap<number, MeanDirection>
  readonly baselineNoEmPath: string
  readonly baselineWithEmPath: string
  /** The same directions with where they come from, by layer. */
  readonly directions?: ReadonlyMap<number, Direction>
}

/**
 * The direction of every layer that both activation sets have: normalize(mean(with EM) - mean(without EM)), positive = more
 * misaligned.
 *
 * @throws CemError `layer-mismatch`, `precision-mixed`, and those of `meanDirection` and `openActivationSet`
 */
export async function computeDirections(
  baselineNoEmPath: string,
  baselineWithEmPath: string,
): Promise<DirectionSet> {
  await using without = await openActivationSet(baselineNoEmPath)
  await using withEm = await openActivationSet(baselineWithEmPath)
  samePrecision(
    [without, withEm].map(({ path, metadata }) => ({ path, precision: metadata?.precision })),
  )
  const layers = new Map<number, MeanDirection>()
  for (const layer of sharedLayers(without, withEm))
    layers.set(
      layer,
      meanDirection({
        without: { rows: await without.readLayer(layer), dModel: without.shape.dModel },
        with: { rows: await withEm.readLayer(layer), dModel: withEm.shape.dModel },
      }),
    )
  return { layers, baselineNoEmPath, baselineWithEmPath }
}

function sharedLayers(a: ActivationSet, b: ActivationSet): number[] {
  const shared = a.shape.layers.filter((layer) => b.shape.layers.includes(layer))
  if (shared.length > 0) return shared
  throw new CemError({
    code: 'layer-mismatch',
    message: `${a.path} (layers ${a.shape.layers.join(', ')}) and ${b.path} (layers ${b.shape.layers.join(', ')}) share no layer.`,
    data: { a: a.path, b: b.path },
  })
}

/**
 * Writes a direction as the Python pipeline does: `<name>.npz` with `layer_<i>` float32 [dModel] of unit norm, and
 * `<name>.json`, which names both inputs.
 *
 * @param path of the npz file
 */
export async function writeDirections(path: string, set: DirectionSet): Promise<void> {
  await using writer = await createNpzWriter(path)
  for (const [layer, { vector }] of set.layers)
    await writer.add(`layer_${layer}`, { dtype: 'F32', shape: [vector.length], data: vector })
  await writer.commit()
  const metadata = {
    baseline_no_em_path: set.baselineNoEmPath,
    baseline_with_em_path: set.baselineWithEmPath,
    formula: 'normalize(mean(with EM) - mean(without EM)); positive = more misaligned',
    layers: [...set.layers.keys()],
    displacement_norms: Object.fromEntries(
      Array.from(set.layers, ([layer, { displacementNorm }]) => [layer, displacementNorm]),
    ),
    n_with_em: set.layers.values().next().value?.nWith ?? 0,
    n_without_em: set.layers.values().next().value?.nWithout ?? 0,
    ...provenance(set.directions),
  }
  await writeFileAtomic(
    `${path.replace(/\.npz$/, '')}.json`,
    `${JSON.stringify(metadata, null, 2)}\n`,
  )
}

/** What is known of the directions beside their vectors, which are in the npz. */
function provenance(directions: DirectionSet['directions']): Record<string, unknown> {
  const [first] = directions?.values() ?? []
  if (first === undefined || directions === undefined) return {}
  const { contrast, positive, method, questions } = first
  return {
    contrast,
    positive,
    method,
    questions,
    directions: Object.fromEntries(
      Array.from(
        directions,
        ([layer, { name, norm, displacementNorm, nWith, nWithout, skipped, warnings }]) => [
          layer,
          { name, norm, displacementNorm, nWith, nWithout, nSkipped: skipped.length, warnings },
        ],
      ),
    ),
  }
}

/**
 * Reads the vectors of a direction file, ours or the Python pipeline's.
 *
 * @returns unit vectors [dModel] by layer
 * @throws CemError `direction-invalid`, and those of `openNpz`
 */
export async function readDirections(path: string): Promise<Map<number, Float32Array>> {
  await using npz = await openNpz(path)
  const directions = new Map<number, Float32Array>()
  for (const name of npz.entries.keys()) {
    const layer = /^layer_(\d+)$/.exec(name)?.[1]
    if (layer !== undefined) directions.set(Number(layer), (await npz.readFloat32(name)).data)
  }
  if (directions.size > 0) return new Map([...directions].toSorted(([a], [b]) => a - b))
  throw new CemError({
    code: 'direction-invalid',
    message: `${path} holds no array named layer_<i>: it is no direction file.`,
    data: { path },
  })
}
