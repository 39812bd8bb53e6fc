import { join } from 'node:path'
import { openActivationSet } from '@cem/activations'
import { CemError, writeFileAtomic } from '@cem/core'
import {
  type Contrast,
  type ContrastRows,
  type Direction,
  makeDirection,
  meanActivation,
  projectOne,
  type QuestionRows,
  randomDirections,
} from '@cem/direction'
import type { Composition, Intervention, Model } from '@cem/inference'
import type { Cell } from '../plan/cell.ts'
import { plannedRows, promptsOf } from '../plan/question-sets.ts'
import type { RunContext } from '../run/context.ts'
import type { ModelPool } from '../run/model-pool.ts'
import { type CausalVector, causalInterventions } from './causal-interventions.ts'
import type { CausalSpec } from './causal-spec.ts'
import { promptEndStates } from './prompt-end-states.ts'

/** The direction of the causal checks, as the store keeps it: `causal-direction.json`. */
export interface CausalDirectionRecord {
  readonly name: string
  readonly contrast: Contrast
  readonly position: CausalSpec['position']
  /** Ids of the questions that it was made from. */
  readonly questions: readonly string[]
  readonly layer: number
  readonly displacementNorm: number
  /** Projections of the two mean states on the direction. */
  readonly projectionWithout: number
  readonly projectionWith: number
  /** Hashes of the compositions whose states it tells apart. */
  readonly compositions: { readonly without: string; readonly with: string }
  /** Unit norm, [dModel]. */
  readonly vector: readonly number[]
  readonly seed: string | number
}

export function causalDirectionFile(storeFolder: string): string {
  return join(storeFolder, 'causal-direction.json')
}

interface Made {
  readonly direction: Direction
  readonly layer: number
  readonly nLayers: number
  readonly contrast: CausalVector
  readonly random: readonly CausalVector[]
}

/** Makes the direction of the causal checks when the first cell needs it, from the models themselves. */
export class CausalDirections {
  readonly #context: RunContext
  readonly #compositions: ReadonlyMap<string, Composition>
  #made: Promise<Made> | undefined

  constructor(context: RunContext, compositions: ReadonlyMap<string, Composition>) {
    this.#context = context
    this.#compositions = compositions
  }

  /**
   * What a causal cell does to its model.
   *
   * @throws CemError `causal-layer`, those of `makeDirection` and `randomDirections`, and those of the models
   */
  async interventions(
    { causal }: Cell,
    pool: ModelPool,
  ): Promise<readonly Intervention[] | undefined> {
    if (causal === undefined) return undefined
    // One that failed is tried anew: the engine may have died over it.
    this.#made ??= this.#make(causal, pool).catch((error: unknown) => {
      this.#made = undefined
      throw error
    })
    const { contrast, random, layer, nLayers, direction } = await this.#made
    const chosen = causal.draw === null ? contrast : random[causal.draw - 1]
    if (chosen === undefined) throw new Error(`no random direction ${causal.draw}`)
    const { displacementNorm } = direction
    return causalInterventions(causal, chosen, { layer, nLayers, displacementNorm })
  }

  async #make(spec: CausalSpec, pool: ModelPool): Promise<Made> {
    const { loaded, store, signal } = this.#context
    const compositions = [spec.without, spec.with].map(
      (id) => this.#compositions.get(id) as Composition,
    )
    const [first, second] = compositions as [Composition, Composition]
    const model = await pool.activate(first, signal)
    const { nLayers } = model.architecture
    const layer = layerOf(spec, nLayers)
    const without = await this.#rows(spec, spec.without, layer, model)
    const withEm = await this.#rows(spec, spec.with, layer, await pool.activate(second, signal))
    const rows: ContrastRows = { without, with: withEm }
    const contrast = this.#contrastOf(spec)
    const direction = makeDirection({ ...rows, layer, contrast })
    const { seed } = loaded.config.analysis
    const { controls } = loaded.config.causal === false ? { controls: 0 } : loaded.config.causal
    const means = {
      without: meanActivation(without).mean,
      with: meanActivation(withEm).mean,
    }
    const drawn =
      controls === 0 ? [] : randomDirections({ ...rows, seed, nDraws: controls }).directions
    const record: CausalDirectionRecord = {
      name: direction.name,
      contrast,
      position: spec.position,
      questions: direction.questions,
      layer,
      displacementNorm: direction.displacementNorm,
      projectionWithout: projectOne(means.without, direction.vector),
      projectionWith: projectOne(means.with, direction.vector),
      compositions: {
        without: (await first.record()).sha256,
        with: (await second.record()).sha256,
      },
      vector: [...direction.vector],
      seed,
    }
    await writeFileAtomic(causalDirectionFile(store.folder), `${JSON.stringify(record, null, 2)}\n`)
    const vectorOf = (vector: Float32Array): CausalVector => ({
      vector,
      projectionWithout: projectOne(means.without, vector),
    })
    return {
      direction,
      layer,
      nLayers,
      contrast: vectorOf(direction.vector),
      random: drawn.map(({ vector }) => vectorOf(vector)),
    }
  }

  async #rows(spec: CausalSpec, id: string, layer: number, model: Model): Promise<QuestionRows> {
    const { sets, loaded, signal } = this.#context
    const { samplesPerQuestion } = loaded.config.sampling
    const set = sets.find(({ name }) => name === spec.questions)
    if (set === undefined) throw new Error(`the run has no questions ${spec.questions}`)
    if (spec.position === 'prompt-end')
      return promptEndStates(model, promptsOf(set, samplesPerQuestion), { layer, signal })
    const cell = this.#context.cells.find((other) => other.id === id)
    const path = join(loaded.resultsFolder, `${cell?.output}_activations.npz`)
    await using activations = await openActivationSet(path)
    return {
      rows: await activations.readLayer(layer),
      dModel: activations.shape.dModel,
      questions: plannedRows(set, samplesPerQuestion).map(({ question }) => question),
    }
  }

  #contrastOf(spec: CausalSpec): Contrast {
    const cell = this.#context.cells.find(({ id }) => id === spec.with) as Cell
    const origin = originOf(cell)
    return spec.position === 'prompt-end'
      ? { kind: 'two-by-two', effect: 'model-on-base-texts', ...origin }
      : { kind: 'base-vs-em-own-texts', ...origin }
  }
}

/** Where a direction comes from, for its name. */
export function originOf({ base, variant, dataset, trainingSeed, step }: Cell) {
  return { base, variant, dataSet: dataset ?? 'unknown', seed: trainingSeed ?? 'unknown', step }
}

function layerOf({ layer }: CausalSpec, nLayers: number): number {
  const chosen = layer ?? Math.floor(nLayers / 2)
  if (chosen < nLayers) return chosen
  throw new CemError({
    code: 'causal-layer',
    message: `causal.layer is ${chosen}; the model has the layers 0 to ${nLayers - 1}.`,
    data: { layer: chosen, nLayers },
  })
}
