import { openActivationSet } from '@cem/activations'
import {
  type Absent,
  type Contrast,
  type ContrastRows,
  chooseLayer,
  type Direction,
  type DirectionControls,
  directionControls,
  type LayerChoice,
  makeDirections,
  type QuestionRows,
} from '@cem/direction'

export interface DirectionChecksInput {
  readonly contrast: Contrast
  readonly without: ReadonlyMap<number, QuestionRows>
  readonly with: ReadonlyMap<number, QuestionRows>
  /** The same answers as means of their token embeddings, or why there are none. */
  readonly embeddings: ContrastRows | Absent
  /** Movements of cells' means away from the base, by cell and layer. */
  readonly displacements: ReadonlyMap<string, ReadonlyMap<number, Float64Array>>
  readonly nDraws: number
  readonly level: number
  readonly seed: number
}

export interface DirectionChecks {
  /** By layer, with their metadata. */
  readonly directions: ReadonlyMap<number, Direction>
  /** Chosen on held-out questions, or why not. */
  readonly layerChoice: LayerChoice | Absent
  /** Null bands by layer and over layers, or why there are none. */
  readonly controls: DirectionControls | Absent
}

/** The smallest number of questions that are held out in three folds. */
const fewestQuestions = 3

/**
 * Directions with where they come from, the layer that tells held-out questions apart best, and null bands.
 *
 * @throws CemError those of `makeDirections`, `chooseLayer` and `directionControls`
 */
export function directionChecks(input: DirectionChecksInput): DirectionChecks {
  const { contrast, level, seed, nDraws } = input
  const layers = pairLayers(input)
  return {
    directions: makeDirections({ layers, contrast }),
    layerChoice: layerChoiceOf({ layers, contrast, embeddings: input.embeddings, level, seed }),
    controls: directionControls({
      layers,
      displacements: input.displacements,
      seed,
      nDraws,
      level,
    }),
  }
}

/** The layer at which directions tell the answers to held-out questions apart best; an absence with fewer than 3 questions. */
export function layerChoiceOf({
  layers,
  contrast,
  embeddings,
  level,
  seed,
}: {
  readonly layers: ReadonlyMap<number, ContrastRows>
  readonly contrast: Contrast
  readonly embeddings: DirectionChecksInput['embeddings']
  readonly level: number
  readonly seed: number
}): LayerChoice | Absent {
  const questions = new Set([...layers.values()].flatMap((rows) => rows.without.questions))
  if (questions.size < fewestQuestions)
    return {
      absent: `${questions.size} questions: at least ${fewestQuestions} are needed to hold some out`,
    }
  return chooseLayer({
    layers,
    baseline: embeddings,
    contrast,
    nFolds: Math.min(5, questions.size),
    level,
    seed,
  })
}

function pairLayers({ without, with: withEm }: DirectionChecksInput): Map<number, ContrastRows> {
  return new Map(
    Array.from(without).flatMap(([layer, rows]) => {
      const other = withEm.get(layer)
      return other === undefined ? [] : [[layer, { without: rows, with: other }] as const]
    }),
  )
}

/** Layers of an activation set, all of them unless some are named. */
export async function readSet(
  path: string,
  questions: readonly string[],
  wanted?: readonly number[],
): Promise<Map<number, QuestionRows>> {
  await using set = await openActivationSet(path)
  const layers = new Map<number, QuestionRows>()
  for (const layer of wanted ?? set.shape.layers)
    layers.set(layer, { rows: await set.readLayer(layer), dModel: set.shape.dModel, questions })
  return layers
}

/** Some rows of a layer, by their indices. */
export function pickRows(
  { rows, dModel, questions }: QuestionRows,
  indices: readonly number[],
): QuestionRows {
  const picked = new Float32Array(indices.length * dModel)
  for (const [i, index] of indices.entries())
    picked.set(rows.subarray(index * dModel, (index + 1) * dModel), i * dModel)
  return { rows: picked, dModel, questions: indices.map((index) => questions[index] as string) }
}
