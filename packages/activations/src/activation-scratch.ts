import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CemError, messageOf } from '@cem/core'

export interface ActivationShape {
  readonly nRows: number
  /** Layers that are kept, in this order. */
  readonly layers: readonly number[]
  readonly dModel: number
}

/**
 * Rows of activations on disk while they come in, in any order: one region a layer, [nRows, dModel] float32 each, every row at
 * its place, so that a run that was killed goes on with what it has and memory does not grow with the number of rows.
 */
export class ActivationScratch implements AsyncDisposable {
  readonly path: string
  readonly shape: ActivationShape
  /** The file was not there before: rows that were computed earlier are lost, and have to be extracted again. */
  readonly isNew: boolean
  readonly #file: FileHandle

  private constructor(path: string, shape: ActivationShape, isNew: boolean, file: FileHandle) {
    this.path = path
    this.shape = shape
    this.isNew = isNew
    this.#file = file
  }

  /**
   * Opens the file, or makes it.
   *
   * @throws CemError `activations-mismatch` where a file of another size is there, `file-write-failed`
   */
  static async open(path: string, shape: ActivationShape): Promise<ActivationScratch> {
    const sizeBytes = shape.nRows * shape.layers.length * shape.dModel * 4
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a+').then(async (created) => {
      await created.close()
      return open(path, 'r+')
    })
    const { size } = await file.stat()
    if (size === 0) await file.truncate(sizeBytes)
    else if (size !== sizeBytes) {
      await file.close()
      throw new CemError({
        code: 'activations-mismatch',
        message: `${path} has ${size} bytes where ${shape.nRows} rows of ${shape.layers.length} layers of ${shape.dModel} numbers take ${sizeBytes}. It belongs to another plan: delete it to begin anew.`,
        data: { path, size, sizeBytes },
      })
    }
    return new ActivationScratch(path, shape, size === 0, file)
  }

  /**
   * @param means [layers.length, dModel]
   * @throws CemError `activations-mismatch`, `file-write-failed`
   */
  async writeRow(row: number, means: Float32Array): Promise<void> {
    const { nRows, layers, dModel } = this.shape
    if (
      !Number.isInteger(row) ||
      row < 0 ||
      row >= nRows ||
      means.length !== layers.length * dModel
    )
      throw new CemError({
        code: 'activations-mismatch',
        message: `Row ${row} with ${means.length} numbers does not belong into ${nRows} rows of [${layers.length}, ${dModel}].`,
        data: { row, nRows, length: means.length },
      })
    for (let i = 0; i < layers.length; i++) {
      const values = means.subarray(i * dModel, (i + 1) * dModel)
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      await this.#write(bytes, (i * nRows + row) * dModel * 4)
    }
  }

  /** One layer's rows in pieces, row-major. */
  async *readLayer(layer: number): AsyncGenerator<Float32Array, void> {
    const { nRows, layers, dModel } = this.shape
    const index = layers.indexOf(layer)
    const rowsAtOnce = Math.max(1, Math.floor(2 ** 20 / (dModel * 4)))
    for (let row = 0; row < nRows; row += rowsAtOnce) {
      const n = Math.min(rowsAtOnce, nRows - row)
      const values = new Float32Array(n * dModel)
      await this.#read(new Uint8Array(values.buffer), (index * nRows + row) * dModel * 4)
      yield values
    }
  }

  /** Makes what was written survive a power failure. */
  async sync(): Promise<void> {
    await this.#file.datasync()
  }

  /** Closes and removes the file. */
  async remove(): Promise<void> {
    await this[Symbol.asyncDispose]()
    await rm(this.path, { force: true })
  }

  /** Closes the file and leaves it where it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        const rest = bytes.byteLength - done
        done += (await this.#file.write(bytes, done, rest, position + done)).bytesWritten
      }
    } catch (error) {
      const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC'
      throw new CemError({
        code: 'file-write-failed',
        message: `Could not write ${this.path}: ${messageOf(error)}.${isFull ? ' The disk is full: free some space and run again.' : ''}`,
        data: { path: this.path },
        cause: error,
      })
    }
  }

  async #read(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const rest = bytes.byteLength - done
      const { bytesRead } = await this.#file.read(bytes, done, rest, position + done)
      if (bytesRead === 0)
        throw new CemError({
          code: 'activations-mismatch',
          message: `${this.path} ended while it was read.`,
          data: { path: this.path },
        })
      done += bytesRead
    }
  }
}
