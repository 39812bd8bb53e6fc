import { type DeviceMemory, type RowMove, release } from './device-memory.ts'
import type { Tensor } from './runtime.ts'

/** Tensors of one shape whose first axis are rows, on a device. Rows are moved when the tensors are next needed, all at once. */
export class DeviceRows implements Disposable {
  readonly #memory: DeviceMemory
  readonly #shape: readonly number[]
  readonly #count: number
  readonly #moves = new Map<DeviceRows, RowMove[]>()
  /** Moves out of these tensors that are still to be made. */
  #nPromised = 0
  #isDisposed = false
  #tensors: Tensor[] = []

  /** @param shape of each tensor, rows first */
  constructor(memory: DeviceMemory, count: number, shape: readonly number[]) {
    this.#memory = memory
    this.#count = count
    this.#shape = shape
  }

  /** Empty before `prepare`. */
  get tensors(): readonly Tensor[] {
    return this.#tensors
  }

  /** Takes other tensors in place of these, which the caller now owns. */
  exchange(tensors: Tensor[]): Tensor[] {
    const before = this.#tensors
    this.#tensors = tensors
    return before
  }

  /** Replaces a row by one of other tensors, before the next run. */
  move(source: DeviceRows, move: RowMove): void {
    const moves = this.#moves.get(source)
    if (moves !== undefined) moves.push(move)
    else {
      this.#moves.set(source, [move])
      source.#nPromised += 1
    }
  }

  /** Makes the tensors, of zeros, and the moves that were asked for. */
  async prepare(): Promise<void> {
    const isNew = this.#tensors.length < this.#count
    while (this.#tensors.length < this.#count)
      this.#tensors.push(await this.#memory.zeros(this.#shape))
    if (isNew) await this.#memory.forgetZeros(this.#shape.length)
    for (const [source, moves] of this.#moves) {
      await source.prepare()
      await this.#take(source, moves)
      source.#nPromised -= 1
      source.#releaseUnused()
    }
    this.#moves.clear()
  }

  /** Frees the tensors, once nothing waits to be moved out of them. */
  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#releaseUnused()
  }

  /** A run cannot read and write one tensor, so each result goes into a spare one, and the old tensor is the next spare. */
  async #take(source: DeviceRows, moves: readonly RowMove[]): Promise<void> {
    let spare = await this.#memory.zeros(this.#shape)
    const length = this.#shape[2]
    for (const [i, tensor] of this.#tensors.entries()) {
      const from = source.#tensors[i] as Tensor
      const isFitting = length === source.#shape[2]
      const fitting = isFitting ? from : await this.#memory.withLength(from, length as number)
      await this.#memory.mergeRows(tensor, fitting, moves, spare)
      if (!isFitting) release(fitting)
      this.#tensors[i] = spare
      spare = tensor
    }
    release(spare)
    await this.#memory.forgetZeros(this.#shape.length)
  }

  #releaseUnused(): void {
    if (!this.#isDisposed || this.#nPromised > 0) return
    for (const source of this.#moves.keys()) {
      source.#nPromised -= 1
      source.#releaseUnused()
    }
    this.#moves.clear()
    for (const tensor of this.#tensors) release(tensor)
    this.#tensors = []
  }
}
