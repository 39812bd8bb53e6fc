import { closeSync, openSync, readSync } from 'node:fs'
import { bf16ToFloat32, f16ToFloat32 } from '@cem/tensor-files'
import type { WeightLocation } from '../graph/weight-source.ts'

/** Up to here the whole matrix is kept in memory. */
const wholeBytes = 32 * 2 ** 20

const widths = { F32: 4, F16: 2, BF16: 2 } as const

/**
 * The rows of the embedding matrix, read from the weights' file when they are asked for: the operating system's page cache
 * holds those that are in use, and the matrix is not in memory twice.
 */
export class EmbeddingTable implements Disposable {
  readonly dModel: number
  readonly #location: WeightLocation
  readonly #file: number
  readonly #rowBytes: number
  readonly #whole: Float32Array | undefined
  readonly #scale: number

  /** @param scale a 32-bit number that every row is multiplied by */
  constructor(location: WeightLocation, scale: number) {
    this.#location = location
    this.#scale = scale
    this.dModel = location.shape[1] as number
    this.#rowBytes = this.dModel * widths[location.dtype]
    this.#file = openSync(location.file, 'r')
    if (location.byteLength <= wholeBytes) this.#whole = this.#read(0, location.byteLength)
  }

  /** Fills `out` with the rows of these tokens, one after another, scaled: [tokenIds.length, dModel]. */
  lookup(tokenIds: Int32Array, out: Float32Array): void {
    const { dModel } = this
    for (let i = 0; i < tokenIds.length; i++) {
      const token = tokenIds[i] as number
      const row =
        this.#whole?.subarray(token * dModel, (token + 1) * dModel) ??
        this.#read(token * this.#rowBytes, this.#rowBytes)
      out.set(row, i * dModel)
    }
    if (this.#scale === 1) return
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) * this.#scale
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }

  #read(offset: number, length: number): Float32Array {
    const bytes = new Uint8Array(length)
    const start = this.#location.byteOffset + offset
    for (let done = 0; done < length; ) {
      const n = readSync(this.#file, bytes, done, length - done, start + done)
      if (n === 0) throw new Error(`${this.#location.file} ended while an embedding was read`)
      done += n
    }
    if (this.#location.dtype === 'F32') return new Float32Array(bytes.buffer)
    const words = new Uint16Array(bytes.buffer)
    return this.#location.dtype === 'BF16' ? bf16ToFloat32(words) : f16ToFloat32(words)
  }
}
