import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'

/** A line of the log: an event of the training, with the time. */
export interface LogRow {
  readonly type: string
  readonly step: number
  readonly time: string
}

export const logFile = 'training_log.jsonl'

/** training_log.jsonl: one row a step, handed to the system at once. */
export class TrainingLog implements AsyncDisposable {
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /**
   * Opens the log of a training that goes on after `step`. Rows of later steps, which are computed again, are taken out.
   *
   * @throws CemError `file-write-failed`
   */
  static async open(folder: string, step: number): Promise<TrainingLog> {
    const path = join(folder, logFile)
    const kept = (await readTrainingLog(folder)).filter((row) => row.step <= step)
    await writeFileAtomic(path, kept.map((row) => `${JSON.stringify(row)}\n`).join(''))
    return new TrainingLog(path, await open(path, 'a'))
  }

  /** @throws CemError `file-write-failed` */
  async append(row: Omit<LogRow, 'time'>): Promise<void> {
    try {
      const time = new Date().toISOString()
      await this.#file.appendFile(`${JSON.stringify({ ...row, time })}\n`)
    } catch (cause) {
      const isFull = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
      throw new CemError({
        code: 'file-write-failed',
        message: `Could not write ${this.#path}: ${messageOf(cause)}.${isFull ? ' The disk is full: free some space and run again; the last whole checkpoint is kept.' : ''}`,
        data: { path: this.#path },
        cause,
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

/** The rows of a training's log; none where there is no log. What a killed process was writing is left out. */
export async function readTrainingLog(folder: string): Promise<LogRow[]> {
  let text: string
  try {
    text = await readFile(join(folder, logFile), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as LogRow]
    } catch {
      return []
    }
  })
}
