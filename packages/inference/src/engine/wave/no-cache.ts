import type { KeyValueStore } from '../key-value-cache.ts'

/** Stands for keys and values where each run takes whole texts. */
export class NoCache implements KeyValueStore {
  readonly nRows: number
  readonly capacity: number
  readonly feeds = {}
  readonly fetches = {}

  constructor(nRows: number, capacity: number) {
    this.nRows = nRows
    this.capacity = capacity
  }

  copyRow(): void {
    throw new TypeError('there is nothing to copy')
  }

  async prepare(): Promise<void> {}

  [Symbol.dispose](): void {}
}
