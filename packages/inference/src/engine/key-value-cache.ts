import type { Architecture } from '../families/architecture.ts'
import { cacheNames } from '../graph/io-names.ts'
import { floats, type Tensor } from './runtime.ts'

/** Keys and values of a batch, wherever they lie. */
export interface KeyValueStore extends Disposable {
  readonly nRows: number
  readonly capacity: number
  /** Inputs and outputs of a run, after `prepare`. */
  readonly feeds: Record<string, Tensor>
  readonly fetches: Record<string, Tensor>
  /** Copies the first `length` positions of a row of another store of this kind, before the next run. */
  copyRow(from: KeyValueStore, fromRow: number, toRow: number, length: number): void
  /** What has to be done before a run. */
  prepare(): Promise<void>
}

/**
 * Keys and values of all layers, [nRows, nKvHeads, capacity, headDim] each, which the graph updates in place: the same tensors
 * are its inputs and its outputs.
 */
export class KeyValueCache implements KeyValueStore {
  readonly nRows: number
  readonly capacity: number
  readonly feeds: Record<string, Tensor> = {}
  readonly fetches: Record<string, Tensor> = {}
  readonly #arrays: Float32Array[] = []
  readonly #architecture: Architecture

  constructor(architecture: Architecture, nRows: number, capacity: number) {
    this.nRows = nRows
    this.capacity = capacity
    this.#architecture = architecture
    const { nLayers, nKvHeads, headDim } = architecture
    const shape = [nRows, nKvHeads, capacity, headDim]
    for (let layer = 0; layer < nLayers; layer++) {
      const names = cacheNames(layer)
      for (const [input, output] of [
        [names.keys, names.newKeys],
        [names.values, names.newValues],
      ] as const) {
        const array = new Float32Array(nRows * nKvHeads * capacity * headDim)
        const tensor = floats(array, shape)
        this.#arrays.push(array)
        this.feeds[input] = tensor
        this.fetches[output] = tensor
      }
    }
  }

  /** Copies the first `length` positions of a row of another cache into a row of this one. */
  copyRow(from: KeyValueStore, fromRow: number, toRow: number, length: number): void {
    if (!(from instanceof KeyValueCache)) throw new TypeError('rows are copied within the host')
    const { nKvHeads, headDim } = this.#architecture
    const size = length * headDim
    for (const [i, target] of this.#arrays.entries()) {
      const source = from.#arrays[i] as Float32Array
      for (let head = 0; head < nKvHeads; head++) {
        const start = (fromRow * nKvHeads + head) * from.capacity * headDim
        const to = (toRow * nKvHeads + head) * this.capacity * headDim
        target.set(source.subarray(start, start + size), to)
      }
    }
  }

  async prepare(): Promise<void> {}

  [Symbol.dispose](): void {}
}
