import { CemError } from '@cem/core'
import { type ActivationRows, countRows } from './activation-rows.ts'
import { meanOfRows } from './mean-activation.ts'
import { norm, shapeMismatch, subtract } from './vectors.ts'

export interface MeanDirectionOptions {
  /** Activations of one layer without the EM adapter. */
  readonly without: ActivationRows
  /** Activations of the same layer with it. */
  readonly with: ActivationRows
}

export interface MeanDirection {
  /** Unit norm, shape [dModel]; positive = more misaligned. */
  readonly vector: Float32Array
  /** Length of mean(with) - mean(without) before it was normalised, in the unit of the activations. */
  readonly displacementNorm: number
  /** Rows in the mean with EM. */
  readonly nWith: number
  readonly nWithout: number
  /** NaN rows (empty answers) of both sides, left out. */
  readonly nSkipped: number
}

/**
 * The mean-difference direction of one layer: normalize(mean(with EM) - mean(without EM)), sums in float64. Positive = more
 * misaligned.
 *
 * @throws CemError `zero-direction` where the means are equal: there is no direction, and no small number is added to make one;
 * `shape-mismatch`, `partial-nan`, `not-finite`, `no-rows`
 */
export function meanDirection(options: MeanDirectionOptions): MeanDirection {
  return directionOf(options, '')
}

export interface MeanDirectionsOptions {
  /** Activations without the EM adapter, by layer index. */
  readonly without: ReadonlyMap<number, ActivationRows>
  /** The same layers with it. */
  readonly with: ReadonlyMap<number, ActivationRows>
}

/**
 * `meanDirection` for every layer, in ascending order.
 *
 * @throws CemError `layer-mismatch` unless both sides have the same layers, and what `meanDirection` throws, naming the layer
 */
export function meanDirections({
  without,
  with: withEm,
}: MeanDirectionsOptions): Map<number, MeanDirection> {
  const layers = sortedLayers(without)
  const layersWithEm = sortedLayers(withEm)
  if (layers.length === 0 || layers.join() !== layersWithEm.join())
    throw new CemError({
      code: 'layer-mismatch',
      message: `The activations without EM have layers [${layers.join(', ')}], those with EM [${layersWithEm.join(', ')}]; both need the same, at least one.`,
      data: { without: layers, with: layersWithEm },
    })
  return new Map(
    layers.map((layer) => [
      layer,
      directionOf(
        { without: rowsOf(without, layer), with: rowsOf(withEm, layer) },
        ` (layer ${layer})`,
      ),
    ]),
  )
}

const sortedLayers = (byLayer: ReadonlyMap<number, ActivationRows>) =>
  [...byLayer.keys()].toSorted((a, b) => a - b)

const rowsOf = (byLayer: ReadonlyMap<number, ActivationRows>, layer: number) =>
  byLayer.get(layer) as ActivationRows

function directionOf(
  { without, with: withEm }: MeanDirectionOptions,
  place: string,
): MeanDirection {
  const names = { without: `the activations without EM${place}`, with: `those with EM${place}` }
  checkSameModel(names, without, withEm)
  const base = meanOfRows(names.without, without)
  const shifted = meanOfRows(names.with, withEm)
  const displacement = subtract(shifted.mean, base.mean)
  const displacementNorm = norm(displacement)
  if (displacementNorm === 0)
    throw new CemError({
      code: 'zero-direction',
      message: `The means with and without EM are equal${place}: there is no direction. Was the EM adapter active, and are these two different files?`,
      data: { nWith: shifted.n, nWithout: base.n, dModel: without.dModel },
    })
  return {
    vector: Float32Array.from(displacement, (value) => value / displacementNorm),
    displacementNorm,
    nWith: shifted.n,
    nWithout: base.n,
    nSkipped: base.nSkipped + shifted.nSkipped,
  }
}

function checkSameModel(
  names: { without: string; with: string },
  without: ActivationRows,
  withEm: ActivationRows,
): void {
  const nWithout = countRows(names.without, without.rows, without.dModel)
  const nWith = countRows(names.with, withEm.rows, withEm.dModel)
  if (without.dModel === withEm.dModel) return
  throw shapeMismatch(
    `${names.without} have shape [${nWithout}, ${without.dModel}], ${names.with} [${nWith}, ${withEm.dModel}]`,
  )
}
