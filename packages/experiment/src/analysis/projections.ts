import { openActivationSet } from '@cem/activations'
import {
  type Absent,
  isAbsent,
  meanActivation,
  meanByQuestion,
  projectDisplacement,
  projectOne,
  projectRows,
} from '@cem/direction'
import { type Estimate, estimateOf } from './cell-metrics.ts'

/** A cell's answers on the direction of one layer. */
export interface CellProjection {
  readonly layer: number
  /** Mean projection over questions; positive = more misaligned. */
  readonly projection: Estimate
  /** Of all answers' mean, as the Python pipeline has it. */
  readonly meanProjection: number
  /** Cosine between the mean's movement away from the base and the direction; null where nothing moved. */
  readonly cosine: number | null
  /** How far the mean moved away from the base. */
  readonly displacementNorm: number | null
  /** Of the mean itself. */
  readonly norm: number
  readonly rawCosine: number | null
  /** The projection without the base's. */
  readonly projectionFromBase: number | null
  /**
   * Mean over questions of the projection from the base, divided by the displacement's norm of the direction: 1 is as far as
   * the checkpoint that it was made from. Null where that norm is not known.
   */
  readonly relative: Estimate | null
}

export interface ProjectionOptions {
  /** Unit vectors [dModel] by layer. */
  readonly directions: ReadonlyMap<number, Float32Array>
  /** Lengths of the displacements that the directions were made from, by layer. @default not known */
  readonly displacementNorms?: ReadonlyMap<number, number>
  /** Means of the base's answers [dModel] by layer. */
  readonly baseMeans: ReadonlyMap<number, Float64Array | Float32Array>
  /** Question of each row of the set, in order. */
  readonly questions: readonly string[]
  readonly level: number
}

/**
 * Projects an activation set on the directions, layer by layer.
 *
 * @throws CemError those of `openActivationSet` and `projectRows`
 */
export async function projectCell(
  path: string,
  options: ProjectionOptions,
): Promise<CellProjection[]> {
  await using set = await openActivationSet(path)
  const projections: CellProjection[] = []
  for (const layer of set.shape.layers) {
    const direction = options.directions.get(layer)
    if (direction === undefined) continue
    const rows = await set.readLayer(layer)
    const { dModel } = set.shape
    const { projections: values } = projectRows(rows, dModel, direction)
    const estimate = (scale: (value: number) => number) =>
      estimateOf(
        meanByQuestion(
          Array.from(values, (value, i) => ({
            question: options.questions[i] ?? 'all',
            value: Number.isNaN(value) ? null : scale(value),
          })),
          { level: options.level },
        ),
      )
    const { mean } = meanActivation({ rows, dModel })
    const baseMean = options.baseMeans.get(layer)
    const moved = projectDisplacement({
      mean,
      direction,
      ...(baseMean === undefined ? {} : { baseMean }),
    })
    const origin = baseMean === undefined ? undefined : projectOne(baseMean, direction)
    const length = options.displacementNorms?.get(layer)
    projections.push({
      layer,
      projection: estimate((value) => value),
      meanProjection: moved.projection,
      cosine: numberOf(moved.cosine),
      displacementNorm: numberOf(moved.displacementNorm),
      norm: moved.norm,
      rawCosine: numberOf(moved.rawCosine),
      projectionFromBase: numberOf(moved.projectionFromBase),
      relative:
        length === undefined || origin === undefined
          ? null
          : estimate((value) => (value - origin) / length),
    })
  }
  return projections
}

const numberOf = (value: number | Absent) => (isAbsent(value) ? null : value)

/** Means [dModel] of an activation set by layer. */
export async function readMeans(path: string): Promise<Map<number, Float64Array | Float32Array>> {
  await using set = await openActivationSet(path)
  const means = new Map<number, Float64Array | Float32Array>()
  for (const layer of set.shape.layers) {
    const rows = await set.readLayer(layer)
    means.set(layer, meanActivation({ rows, dModel: set.shape.dModel }).mean)
  }
  return means
}
