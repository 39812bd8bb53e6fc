import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CemError, messageOf } from '@cem/core'

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

  /** @throws CemError `file-write-failed` */
  static async open(path: string): Promise<JsonLinesWriter> {
    await mkdir(dirname(path), { recursive: true })
    return new JsonLinesWriter(path, await open(path, 'a'))
  }

  /**
   * Appends a record.
   *
   * @param durable waits for the disk as well
   * @throws CemError `file-write-failed`; nothing can be appended after that
   */
  append(record: unknown, { durable = false }: { readonly durable?: boolean } = {}): Promise<void> {
    const line = `${JSON.stringify(record)}\n`
    this.#tail = this.#tail.then(async () => {
      if (this.#failure !== undefined) throw this.#failure
      try {
        await this.#file.appendFile(line)
        if (durable) await this.#file.datasync()
      } catch (error) {
        this.#failure = writeFailed(this.path, error)
        throw this.#failure
      }
    })
    const result = this.#tail
    this.#tail = result.catch(() => undefined)
    return result
  }

  async sync(): Promise<void> {
    await this.#tail
    await this.#file.datasync()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail
    await this.#file.close()
  }
}

/**
 * The records of such a file; none where there is no file. A last line without its line break was being written when its
 * process was killed, and is left out.
 *
 * @throws CemError `store-damaged` where another line is no JSON
 */
export async function readJsonLines<T>(path: string): Promise<T[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines = text.split('\n')
  lines.pop()
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as T
    } catch (error) {
      throw new CemError({
        code: 'store-damaged',
        message: `Line ${i + 1} of ${path} is no JSON record: ${messageOf(error)}. The file was changed from outside; restore it, or move it away to compute its records again.`,
        data: { path, line: i + 1 },
      })
    }
  })
}

function writeFailed(path: string, error: unknown): CemError {
  const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC'
  return new CemError({
    code: 'file-write-failed',
    message: `Could not write ${path}: ${messageOf(error)}.${isFull ? ' The disk is full: free some space and run again; what was written before is kept.' : ''}`,
    data: { path },
    cause: error,
  })
}
