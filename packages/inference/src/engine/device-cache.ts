import type { Architecture } from '../families/architecture.ts'
import { cacheNames } from '../graph/io-names.ts'
import type { DeviceMemory } from './device-memory.ts'
import { DeviceRows } from './device-rows.ts'
import type { KeyValueStore } from './key-value-cache.ts'
import type { Tensor } from './runtime.ts'

/** Keys and values of all layers on a device, [nRows, nKvHeads, capacity, headDim] each, updated in place by the graph. */
export class DeviceCache implements KeyValueStore {
  readonly nRows: number
  readonly capacity: number
  readonly #nLayers: number
  readonly #rows: DeviceRows

  constructor(memory: DeviceMemory, architecture: Architecture, nRows: number, capacity: number) {
    const { nLayers, nKvHeads, headDim } = architecture
    this.nRows = nRows
    this.capacity = capacity
    this.#nLayers = nLayers
    this.#rows = new DeviceRows(memory, 2 * nLayers, [nRows, nKvHeads, capacity, headDim])
  }

  get feeds(): Record<string, Tensor> {
    return this.#named(({ keys, values }) => [keys, values])
  }

  get fetches(): Record<string, Tensor> {
    return this.#named(({ newKeys, newValues }) => [newKeys, newValues])
  }

  /** Takes over a row of another cache on this device; the whole of it, whatever `length`. */
  copyRow(from: KeyValueStore, fromRow: number, toRow: number, _length: number): void {
    if (!(from instanceof DeviceCache)) throw new TypeError('rows are copied within one device')
    this.#rows.move(from.#rows, { from: fromRow, to: toRow })
  }

  prepare(): Promise<void> {
    return this.#rows.prepare()
  }

  [Symbol.dispose](): void {
    this.#rows[Symbol.dispose]()
  }

  #named(
    names: (names: ReturnType<typeof cacheNames>) => readonly [string, string],
  ): Record<string, Tensor> {
    const found: Record<string, Tensor> = {}
    for (let layer = 0; layer < this.#nLayers; layer++) {
      const [keys, values] = names(cacheNames(layer))
      found[keys] = this.#rows.tensors[2 * layer] as Tensor
      found[values] = this.#rows.tensors[2 * layer + 1] as Tensor
    }
    return found
  }
}
