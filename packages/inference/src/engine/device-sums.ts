import type { Architecture } from '../families/architecture.ts'
import { inputs, poolNames } from '../graph/io-names.ts'
import type { DeviceMemory } from './device-memory.ts'
import { DeviceRows } from './device-rows.ts'
import type { HiddenSums } from './pooled-sums.ts'
import { floats, type Tensor } from './runtime.ts'

/** Sums of hidden states for every layer, [nSums, dModel] each, that stay on a device until one is read. */
export class DeviceSums implements HiddenSums {
  readonly nSums: number
  readonly #memory: DeviceMemory
  readonly #dModel: number
  readonly #nLayers: number
  readonly #rows: DeviceRows
  /** One row of zeros, to clear others with. */
  readonly #zeros: DeviceRows
  /** Where a run writes: a kernel cannot add to the tensor that it reads. */
  readonly #next: DeviceRows

  constructor(memory: DeviceMemory, { nLayers, dModel }: Architecture, nSums: number) {
    this.nSums = nSums
    this.#memory = memory
    this.#dModel = dModel
    this.#nLayers = nLayers
    this.#rows = new DeviceRows(memory, nLayers, [nSums, dModel])
    this.#next = new DeviceRows(memory, nLayers, [nSums, dModel])
    this.#zeros = new DeviceRows(memory, nLayers, [1, dModel])
  }

  get feeds(): Record<string, Tensor> {
    return this.#named(this.#rows, ({ sums }) => sums)
  }

  get fetches(): Record<string, Tensor> {
    return this.#named(this.#next, ({ newSums }) => newSums)
  }

  weights(values: Float32Array, nTokens: number): Record<string, Tensor> {
    return { [inputs.poolWeights]: floats(values, [this.nSums, nTokens]) }
  }

  clear(sum: number): void {
    this.#rows.move(this.#zeros, { from: 0, to: sum })
  }

  copy(from: HiddenSums, fromSum: number, toSum: number): void {
    if (!(from instanceof DeviceSums)) throw new TypeError('sums are copied within one device')
    this.#rows.move(from.#rows, { from: fromSum, to: toSum })
  }

  async read(sum: number, layers: readonly number[], factor = 1): Promise<Float32Array> {
    const out = new Float32Array(layers.length * this.#dModel)
    const rows = await this.#memory.readRow(this.#rows.tensors, sum)
    for (const [i, layer] of layers.entries()) {
      const row = rows[layer] as Float32Array
      for (let j = 0; j < row.length; j++) out[i * this.#dModel + j] = (row[j] as number) * factor
    }
    return out
  }

  async prepare(): Promise<void> {
    await this.#rows.prepare()
    await this.#next.prepare()
  }

  /** After a run: what it wrote are the sums. */
  advance(): void {
    const written = this.#next.exchange([])
    this.#next.exchange(this.#rows.exchange(written))
  }

  [Symbol.dispose](): void {
    for (const rows of [this.#rows, this.#next, this.#zeros]) rows[Symbol.dispose]()
  }

  #named(
    rows: DeviceRows,
    name: (names: ReturnType<typeof poolNames>) => string,
  ): Record<string, Tensor> {
    const found: Record<string, Tensor> = {}
    for (let layer = 0; layer < this.#nLayers; layer++)
      found[name(poolNames(layer))] = rows.tensors[layer] as Tensor
    return found
  }
}
