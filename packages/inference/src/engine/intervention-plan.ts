import type { Architecture } from '../families/architecture.ts'
import { inputs, isInterveningName } from '../graph/io-names.ts'
import type { InterventionStep, InterventionsSpec } from './messages.ts'
import { boolean, floats, int64s, type Tensor } from './runtime.ts'

/** Where a token stands, for the `positions` of an intervention. */
export const tokenPlaces = { other: 0, generated: 1, promptEnd: 2 } as const

/** The tokens of a run, [nRows * nColumns] each: whose interventions apply, and where it stands. */
export interface TokenOwners {
  /** Index into the lists of the specification. */
  readonly lists: ArrayLike<number>
  /** Of `tokenPlaces`. */
  readonly places: ArrayLike<number>
}

/** A direction's place in the order of its layer, and what each list does with it there. */
interface Slot {
  readonly direction: number
  readonly steps: Map<number, InterventionStep>
}

/**
 * The interventions of a call as inputs of the graph. Lists that do different things to the same directions in the same order
 * share places, so that a sweep over coefficients costs what one of them costs.
 */
export class InterventionPlan {
  readonly #spec: InterventionsSpec
  readonly #architecture: Architecture
  /** [nLayers], each in order. */
  readonly #slots: readonly (readonly Slot[])[]
  #directions: { readonly key: string; readonly tensor: Tensor } | undefined

  constructor(architecture: Architecture, spec: InterventionsSpec) {
    this.#spec = spec
    this.#architecture = architecture
    this.#slots = Array.from({ length: architecture.nLayers }, (_, layer) =>
      shareSlots(spec.lists.map((steps) => steps.filter((step) => step.layer === layer))),
    )
  }

  /**
   * The feeds of one run; layers where no token of the run has an intervention are left alone.
   *
   * @param tokens by the name of the input that takes their terms
   */
  feeds(tokens: Readonly<Record<string, TokenOwners>>): Record<string, Tensor> {
    const groups = Object.values(tokens)
    const active = this.#slots.map((slots) =>
      slots.flatMap((slot) => {
        const terms = groups.map((group) => slotTerms(slot, group))
        return terms.every((of) => of === null) ? [] : [{ direction: slot.direction, terms }]
      }),
    )
    const all = active.flat()
    const terms = Object.entries(tokens).map(([name, { lists }], group) => {
      const data = new Float32Array(all.length * lists.length * 4)
      for (const [k, slot] of all.entries()) data.set(slot.terms[group] ?? [], k * lists.length * 4)
      return [name, floats(data, [all.length, lists.length, 4])] as const
    })
    return {
      ...feedsOf(active.map((slots) => slots.length)),
      [inputs.interventionDirections]: this.#directionTensor(all.map((slot) => slot.direction)),
      ...Object.fromEntries(terms),
    }
  }

  /** Kept from run to run: mostly the same ones are active. */
  #directionTensor(indices: readonly number[]): Tensor {
    const key = indices.join()
    if (this.#directions?.key === key) return this.#directions.tensor
    const { dModel } = this.#architecture
    const data = new Float32Array(indices.length * dModel)
    for (const [k, i] of indices.entries())
      data.set(this.#spec.directions[i] as Float32Array, k * dModel)
    const tensor = floats(data, [indices.length, dModel])
    this.#directions = { key, tensor }
    return tensor
  }
}

/**
 * The feeds of runs without interventions.
 *
 * @param nSlots directions that are given all the same, and do nothing: CUDA takes no empty matrices
 */
export function noInterventions(
  { nLayers, dModel }: Architecture,
  tokens: Readonly<Record<string, number>> = { [inputs.interventionTerms]: 0 },
  nSlots: 0 | 1 = 0,
): Record<string, Tensor> {
  const terms = Object.entries(tokens).map(([name, nTokens]) => [
    name,
    floats(new Float32Array(nSlots * nTokens * 4), [nSlots, nTokens, 4]),
  ])
  return {
    ...feedsOf(Array.from({ length: nLayers }, () => 0)),
    [inputs.interventionDirections]: floats(new Float32Array(nSlots * dModel), [nSlots, dModel]),
    ...Object.fromEntries(terms),
  }
}

const [yes, no] = [boolean(true), boolean(false)]

/** Where each layer's interventions start, and which layers have any. */
function feedsOf(counts: readonly number[]): Record<string, Tensor> {
  const starts = new BigInt64Array(counts.length + 1)
  const feeds: Record<string, Tensor> = {}
  let start = 0
  for (const [layer, count] of counts.entries()) {
    feeds[isInterveningName(layer)] = count > 0 ? yes : no
    start += count
    starts[layer + 1] = BigInt(start)
  }
  return { ...feeds, [inputs.interventionStarts]: int64s(starts, [starts.length]) }
}

/** One order of directions that holds every list's own order: a common supersequence, taken greedily. */
function shareSlots(lists: readonly (readonly InterventionStep[])[]): Slot[] {
  const slots: Slot[] = []
  for (const [list, steps] of lists.entries()) {
    let next = 0
    for (const step of steps) {
      const found = slots.findIndex((slot, i) => i >= next && slot.direction === step.direction)
      const at = found === -1 ? next : found
      if (found === -1) slots.splice(at, 0, { direction: step.direction, steps: new Map() })
      slots[at]?.steps.set(list, step)
      next = at + 1
    }
  }
  return slots
}

function isAt(positions: InterventionStep['positions'], place: number): boolean {
  if (positions === 'all') return true
  return place === (positions === 'generated' ? tokenPlaces.generated : tokenPlaces.promptEnd)
}

/** [tokens, 4]: offset, slope, low and high; null where no token has this intervention. */
function slotTerms({ steps }: Slot, { lists, places }: TokenOwners): Float32Array | null {
  const terms = new Float32Array(lists.length * 4)
  let isActive = false
  for (let token = 0; token < lists.length; token++) {
    const step = steps.get(lists[token] as number)
    if (step === undefined) continue
    if (!isAt(step.positions, places[token] as number)) continue
    terms.set([step.offset, step.slope, step.low, step.high], token * 4)
    isActive = true
  }
  return isActive ? terms : null
}
