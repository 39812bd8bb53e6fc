import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeFailure } from './write-failure.ts'

export interface JsonLinesWriterOptions {
  /** Bytes of the file that are kept, such as those of its whole lines. @default all */
  readonly keptBytes?: number | undefined
}

/**
 * An append-only file of JSON records, one a line, for one writing process. A record is handed to the system at once, so a
 * killed process loses at most the one that it was writing; `sync` makes them survive a power failure too.
 */
export class JsonLinesWriter implements AsyncDisposable {
  readonly path: string
  readonly #file: FileHandle
  #tail: Promise<void> = Promise.resolve()
  #failure: unknown

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  /**
   * Opens a file, or makes one, and the folders that it is in.
   *
   * @throws CemError `file-write-failed`
   */
  static async open(
    path: string,
    { keptBytes }: JsonLinesWriterOptions = {},
  ): Promise<JsonLinesWriter> {
    try {
      await mkdir(dirname(path), { recursive: true })
      const file = await open(path, 'a')
      try {
        if (keptBytes !== undefined) await file.truncate(keptBytes)
        return new JsonLinesWriter(path, file)
      } catch (error) {
        await file.close()
        throw error
      }
    } catch (error) {
      throw writeFailure(path, error)
    }
  }

  /**
   * Appends a record.
   *
   * @param durable waits for the disk as well
   * @throws CemError `file-write-failed`; nothing can be appended after that, since a part of the record may be there
   */
  append(record: unknown, { durable = false }: { readonly durable?: boolean } = {}): Promise<void> {
    const line = `${JSON.stringify(record)}\n`
    const result = this.#tail.then(async () => {
      if (this.#failure !== undefined) throw this.#failure
      try {
        await this.#file.appendFile(line)
        if (durable) await this.#file.datasync()
      } catch (error) {
        this.#failure = writeFailure(this.path, error)
        throw this.#failure
      }
    })
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** Waits until everything that was appended is on the disk. */
  async sync(): Promise<void> {
    await this.#tail
    await this.#file.datasync()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail
    await this.#file.close()
  }
}
