import type { Architecture } from '../families/architecture.ts'
import { inputs, poolNames } from '../graph/io-names.ts'
import { floats, type Tensor } from './runtime.ts'

/** Sums of hidden states, wherever they lie. */
export interface HiddenSums extends Disposable {
  readonly nSums: number
  /** Inputs and outputs of a run, after `prepare`. */
  readonly feeds: Record<string, Tensor>
  readonly fetches: Record<string, Tensor>
  weights(values: Float32Array, nTokens: number): Record<string, Tensor>
  clear(sum: number): void
  copy(from: HiddenSums, fromSum: number, toSum: number): void
  read(
    sum: number,
    layers: readonly number[],
    factor?: number,
  ): Float32Array | Promise<Float32Array>
  /** What has to be done before a run, and after it. */
  prepare(): Promise<void>
  advance(): void
}

/** Sums of hidden states for every layer, [nSums, dModel] each, which the graph adds to in place. */
export class PooledSums implements HiddenSums {
  readonly nSums: number
  readonly feeds: Record<string, Tensor> = {}
  readonly fetches: Record<string, Tensor> = {}
  readonly #arrays: Float32Array[] = []
  readonly #dModel: number

  constructor({ nLayers, dModel }: Architecture, nSums: number) {
    this.nSums = nSums
    this.#dModel = dModel
    for (let layer = 0; layer < nLayers; layer++) {
      const names = poolNames(layer)
      const array = new Float32Array(nSums * dModel)
      const tensor = floats(array, [nSums, dModel])
      this.#arrays.push(array)
      this.feeds[names.sums] = tensor
      if (nSums > 0) this.fetches[names.newSums] = tensor
    }
  }

  /** The feed that says how much each of the run's tokens adds to each sum, [nSums, nTokens] row-major. */
  weights(values: Float32Array, nTokens: number): Record<string, Tensor> {
    return { [inputs.poolWeights]: floats(values, [this.nSums, nTokens]) }
  }

  /** Adds to a layer's sums what a run gave, [nSums, dModel]. */
  add(layer: number, values: Float32Array): void {
    const array = this.#arrays[layer] as Float32Array
    for (let i = 0; i < array.length; i++) array[i] = (array[i] as number) + (values[i] as number)
  }

  clear(sum: number): void {
    for (const array of this.#arrays) array.fill(0, sum * this.#dModel, (sum + 1) * this.#dModel)
  }

  /** One sum for the given layers, times a factor: [layers.length, dModel]. */
  read(sum: number, layers: readonly number[], factor = 1): Float32Array {
    const out = new Float32Array(layers.length * this.#dModel)
    for (const [i, layer] of layers.entries()) {
      const row = this.#row(layer, sum)
      for (let j = 0; j < row.length; j++) out[i * this.#dModel + j] = (row[j] as number) * factor
    }
    return out
  }

  /** Takes over a sum of another set. */
  copy(from: HiddenSums, fromSum: number, toSum: number): void {
    if (!(from instanceof PooledSums)) throw new TypeError('sums are copied within the host')
    for (const [layer, array] of this.#arrays.entries())
      array.set(from.#row(layer, fromSum), toSum * this.#dModel)
  }

  async prepare(): Promise<void> {}

  advance(): void {}

  [Symbol.dispose](): void {}

  #row(layer: number, sum: number): Float32Array {
    const array = this.#arrays[layer] as Float32Array
    return array.subarray(sum * this.#dModel, (sum + 1) * this.#dModel)
  }
}
