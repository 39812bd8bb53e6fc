import { CemError } from '@cem/core'
import { alignLayers } from '../directions/align-layers.ts'
import type { ContrastRows, SkippedRow } from '../directions/contrast-rows.ts'
import {
  displacementOf,
  roundingOfMeans,
  type Sample,
  sampleOf,
  spreadOf,
} from '../directions/sample.ts'
import { checkFinite, dot, norm, shapeMismatch, type Vector } from '../directions/vectors.ts'
import { checkWhole } from '../options.ts'
import { momentsOf, type NullBand, nullBand } from './null-band.ts'
import { type NullDraw, randomDisplacements, shuffledDisplacements } from './null-directions.ts'
import { checkVariance } from './random-directions.ts'

export interface DirectionControlsOptions {
  /** Both sides by layer: the same responses at every layer. */
  readonly layers: ReadonlyMap<number, ContrastRows>
  /**
   * Displacements to project, by name and layer: mean(checkpoint) - mean(base), shape [dModel]. Each needs all layers. The
   * displacement that the direction was made from projects with its whole norm, by construction.
   */
  readonly displacements: ReadonlyMap<string, ReadonlyMap<number, Vector>>
  readonly seed: string | number
  /** Draws of each kind. @default 200, at least 20 */
  readonly nDraws?: number
  /** Share of draws within a band. @default 0.95 */
  readonly level?: number
}

export interface ProjectionControl {
  readonly name: string
  /** The projection on the mean-difference direction, in the unit of the activations, beside those on shuffled directions. */
  readonly shuffled: NullBand
  /** The same beside random directions of the same covariance. */
  readonly random: NullBand
}

export interface LayerControls {
  readonly layer: number
  /** The displacement's norm beside that with shuffled labels: is there a contrast at all? */
  readonly displacementNorm: NullBand
  readonly projections: readonly ProjectionControl[]
}

/** The largest over layers, in standard deviations of the layer's null, beside the largest of each draw. */
export interface MaximumControls {
  readonly displacementNorm: NullBand
  readonly projections: readonly ProjectionControl[]
}

export interface DirectionControls {
  readonly layers: readonly LayerControls[]
  /** What holds for the best of all layers; its p counts that there were many. */
  readonly maximumOverLayers: MaximumControls
  /** NaN rows at any layer: left out at all. */
  readonly skipped: readonly SkippedRow[]
  /** Questions with answers on one side alone: their labels could not be exchanged. */
  readonly questionsOnOneSide: readonly string[]
  readonly nDraws: number
  readonly seed: string | number
}

/**
 * Null bands for the mean-difference direction of every layer, and for the maximum over layers: what its length and the
 * projections on it are with labels exchanged within questions, and what projections are on random directions with the
 * covariance of the answers. A draw exchanges the same labels at all layers, so that its maximum is that of one experiment.
 *
 * @throws CemError `layer-mismatch` where layers hold other responses or a displacement lacks a layer, `nothing-to-shuffle`,
 * `zero-direction`, `no-variance`, `shape-mismatch`, `bad-option`, and the errors of rows
 */
export function directionControls({
  layers,
  displacements,
  seed,
  nDraws = 200,
  level = 0.95,
}: DirectionControlsOptions): DirectionControls {
  checkWhole('nDraws', nDraws, 20)
  const { layers: sorted, kept, skipped } = alignLayers(layers)
  const names = [...displacements.keys()]
  const perLayer = sorted.map(([layer, rows]) => {
    const sample = sampleOf(rows, { kept, dModel: rows.without.dModel })
    const moved = names.map((name) => displacementAt(displacements, name, layer, sample.dModel))
    return { layer, ...drawsAt(sample, moved, { seed, nDraws, layer }) }
  })
  const first = perLayer[0]
  const upper = { level, tail: 'upper' } as const
  return {
    layers: perLayer.map(({ layer, length, moved }) => ({
      layer,
      displacementNorm: nullBand(length.observed, length.draws, upper),
      projections: moved.map(({ shuffled, random }, index) => ({
        name: names[index] as string,
        shuffled: nullBand(shuffled.observed, shuffled.draws, { level }),
        random: nullBand(random.observed, random.draws, { level }),
      })),
    })),
    maximumOverLayers: {
      displacementNorm: maximumBand(
        perLayer.map(({ length }) => length),
        upper,
        (z) => z,
      ),
      projections: names.map((name, index) => ({
        name,
        shuffled: ofColumn(index, 'shuffled'),
        random: ofColumn(index, 'random'),
      })),
    },
    skipped,
    questionsOnOneSide: first?.questionsOnOneSide ?? [],
    nDraws,
    seed,
  }

  function ofColumn(index: number, kind: 'shuffled' | 'random'): NullBand {
    const columns = perLayer.map(({ moved }) => (moved[index] as DrawnProjection)[kind])
    return maximumBand(columns, upper, Math.abs)
  }
}

interface Drawn {
  readonly observed: number
  readonly draws: Float64Array
}

interface DrawnProjection {
  readonly shuffled: Drawn
  readonly random: Drawn
}

function drawsAt(
  sample: Sample,
  moved: readonly Vector[],
  { seed, nDraws, layer }: { seed: string | number; nDraws: number; layer: number },
) {
  const displacement = displacementOf(sample)
  const length = norm(displacement)
  if (length <= roundingOfMeans * spreadOf(sample))
    throw new CemError({
      code: 'zero-direction',
      message: `The means of both sides are equal (layer ${layer}): there is no direction to control. Was the EM adapter active?`,
      data: { layer },
    })
  checkVariance(sample)
  const observed = moved.map((vector) => dot(vector, displacement) / length)
  const { draw, questionsOnOneSide } = shuffledDisplacements(sample, seed)
  const shuffled = projectDraws(draw, moved, nDraws)
  const random = projectDraws(randomDisplacements(sample, seed), moved, nDraws)
  return {
    length: { observed: length, draws: shuffled.lengths },
    moved: observed.map(
      (value, index): DrawnProjection => ({
        shuffled: { observed: value, draws: shuffled.projections[index] as Float64Array },
        random: { observed: value, draws: random.projections[index] as Float64Array },
      }),
    ),
    questionsOnOneSide,
  }
}

/** Lengths of the drawn displacements, and the projections of each vector on their directions; 0 on one of length 0. */
function projectDraws(draw: NullDraw, moved: readonly Vector[], nDraws: number) {
  const lengths = new Float64Array(nDraws)
  const projections = moved.map(() => new Float64Array(nDraws))
  for (let index = 0; index < nDraws; index++) {
    const vector = draw(index)
    const length = norm(vector)
    lengths[index] = length
    for (const [column, values] of projections.entries())
      values[index] = length === 0 ? 0 : dot(moved[column] as Vector, vector) / length
  }
  return { lengths, projections }
}

/** Standardised by each layer's null, so that layers of large activations do not decide alone. */
function maximumBand(
  layers: readonly Drawn[],
  options: { level: number; tail: 'upper' },
  size: (z: number) => number,
): NullBand {
  const nDraws = layers[0]?.draws.length ?? 0
  const largest = new Float64Array(nDraws).fill(Number.NEGATIVE_INFINITY)
  let observed = Number.NEGATIVE_INFINITY
  for (const layer of layers) {
    const { mean, sd } = momentsOf(layer.draws)
    const standardised = (value: number) => (sd > 0 ? size((value - mean) / sd) : 0)
    observed = Math.max(observed, standardised(layer.observed))
    for (let draw = 0; draw < nDraws; draw++)
      largest[draw] = Math.max(largest[draw] as number, standardised(layer.draws[draw] as number))
  }
  return nullBand(observed, largest, options)
}

function displacementAt(
  displacements: ReadonlyMap<string, ReadonlyMap<number, Vector>>,
  name: string,
  layer: number,
  dModel: number,
): Vector {
  const vector = displacements.get(name)?.get(layer)
  if (vector === undefined)
    throw new CemError({
      code: 'layer-mismatch',
      message: `The displacement ${JSON.stringify(name)} has no layer ${layer}; it needs every layer of the rows.`,
      data: { name, layer },
    })
  if (vector.length !== dModel)
    throw shapeMismatch(
      `the displacement ${JSON.stringify(name)} has shape [${vector.length}] at layer ${layer}, the rows have dModel ${dModel}`,
    )
  checkFinite(`the displacement ${JSON.stringify(name)} at layer ${layer}`, vector)
  return vector
}
