import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JsonLinesWriter, writeFileAtomic } from '@cem/core'

/** A line of the log: an event of the training, with the time. */
export interface LogRow {
  readonly type: string
  readonly step: number
  readonly time: string
}

export const logFile = 'training_log.jsonl'

/** training_log.jsonl: one row a step, handed to the system at once. */
export class TrainingLog implements AsyncDisposable {
  readonly #lines: JsonLinesWriter

  private constructor(lines: JsonLinesWriter) {
    this.#lines = lines
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
    return new TrainingLog(await JsonLinesWriter.open(path))
  }

  /** @throws CemError `file-write-failed` */
  append(row: Omit<LogRow, 'time'>): Promise<void> {
    return this.#lines.append({ ...row, time: new Date().toISOString() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lines[Symbol.asyncDispose]()
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
