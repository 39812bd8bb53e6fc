import { type DeviceMemory, release } from './device-memory.ts'
import type { Tensor } from './runtime.ts'

interface Copy {
  readonly host: Tensor
  /** Made when the tensor comes a second time: what changes with each run is not worth it. */
  device?: Tensor
}

/** Copies on the device of inputs that stay the same for many runs: adapters, and tables of positions. */
export class DeviceCopies implements Disposable {
  readonly #memory: DeviceMemory
  readonly #copies = new Map<string, Copy>()

  constructor(memory: DeviceMemory) {
    this.#memory = memory
  }

  /** These feeds, with those that the last call had too on the device. Empty ones stay. */
  async of(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const found: Record<string, Tensor> = {}
    for (const [name, host] of Object.entries(feeds))
      found[name] = host.size === 0 ? host : await this.#copy(name, host)
    return found
  }

  [Symbol.dispose](): void {
    for (const { device } of this.#copies.values()) if (device !== undefined) release(device)
    this.#copies.clear()
  }

  async #copy(name: string, host: Tensor): Promise<Tensor> {
    const known = this.#copies.get(name)
    if (known?.host !== host) {
      if (known?.device !== undefined) release(known.device)
      this.#copies.set(name, { host })
      return host
    }
    known.device ??= await this.#memory.upload(host)
    return known.device
  }
}
