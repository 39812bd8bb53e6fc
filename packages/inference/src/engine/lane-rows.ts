import type { LaneSpec, WeightedAdapter } from './messages.ts'

/** The adapters of a lane, in order; none is the base alone. */
export type LaneAdapters = readonly WeightedAdapter[]

/** Which lanes a run has, and which of them each row belongs to. */
export interface LaneRows {
  readonly lanes: readonly LaneAdapters[]
  /** Indices into `lanes`, [nRows]. */
  readonly laneOfRow: Int32Array
}

/** The lanes of a call's runs. Rows are known by their prompts (generation) or items (scoring). */
export class LanePlan {
  readonly #spec: LaneSpec
  /** The lanes of the last run, whose matrices are put together already. */
  #last: readonly number[] = []

  constructor(spec: LaneSpec) {
    this.#spec = spec
  }

  /** The lane of a run with one row. */
  alone(index: number): LaneRows {
    const lane = this.#spec.laneOf[index] as number
    return { lanes: [this.#adapters(lane)], laneOfRow: Int32Array.of(0) }
  }

  /**
   * The lanes of a run's rows; an empty slot of the batch (undefined) takes another's. Lanes that have left stay until half of
   * them are gone, since putting matrices together costs more than carrying some along. One lane alone is never carried with
   * others, so that its rows are computed as in a model without lanes.
   */
  together(rows: readonly (number | undefined)[]): LaneRows {
    const laneOf = rows.map((row) => (row === undefined ? undefined : this.#spec.laneOf[row]))
    const wanted = [...new Set(laneOf.filter((lane) => lane !== undefined))].toSorted(
      (a, b) => a - b,
    )
    const isHeld = wanted.every((lane) => this.#last.includes(lane))
    const isMost = wanted.length > 1 && wanted.length * 2 > this.#last.length
    if (!(isHeld && isMost)) this.#last = wanted
    const used = this.#last
    const [first = 0] = wanted
    return {
      lanes: used.map((lane) => this.#adapters(lane)),
      laneOfRow: Int32Array.from(laneOf, (lane) => used.indexOf(lane ?? first)),
    }
  }

  #adapters(lane: number): LaneAdapters {
    return this.#spec.adapters[lane] as LaneAdapters
  }
}
