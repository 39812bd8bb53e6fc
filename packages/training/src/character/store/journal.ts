import { readFile, rename, stat } from 'node:fs/promises'
import { CemError, JsonLinesWriter, messageOf } from '@cem/core'

/** How an answer ended. `refused`: the server refused the request; `too-long`: the prompt leaves no room for an answer. */
export type AnswerEnd = 'stop' | 'length' | 'refused' | 'too-long'

/** What a call of this session and those before had cost when it was written, in USD; null without prices. */
export interface SpentSoFar {
  readonly session: string
  readonly usd: number
  /** The worst case of attempts of unknown usage, and of what was under way. */
  readonly possibleUsd: number
}

export interface JournalHeader {
  readonly kind: 'header'
  readonly unit: string
  readonly inputsSha256: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly startedAt: string
}

export interface AnswerRecord {
  readonly kind: 'answer'
  readonly key: string
  readonly text: string
  readonly end: AnswerEnd
  /** What the server says answered; null for a local model. */
  readonly model: string | null
  readonly promptTokens: number | null
  readonly completionTokens: number | null
  readonly spent: SpentSoFar | null
}

/** An answer that did not come and may come another time. */
export interface FailureRecord {
  readonly kind: 'failure'
  readonly key: string
  readonly code: string
  readonly message: string
  readonly at: string
  readonly spent: SpentSoFar | null
}

/** Written at the first answer of a session and at its end. */
export interface SessionRecord {
  readonly kind: 'session'
  readonly answeredBy: Readonly<Record<string, unknown>> | null
  readonly spent: SpentSoFar | null
}

export type JournalRecord = JournalHeader | AnswerRecord | FailureRecord | SessionRecord

/** What a journal holds. */
export interface JournalContent {
  readonly header: JournalHeader | undefined
  readonly answers: ReadonlyMap<string, AnswerRecord>
  /** The last words of each session about its cost. */
  readonly spent: ReadonlyMap<string, SpentSoFar>
  /** What ran, by the last session that says it. */
  readonly answeredBy: Readonly<Record<string, unknown>> | null
  /** Whole lines, in bytes: what is behind was being written when its process ended. */
  readonly sizeBytes: number
}

/**
 * The journal of a unit of work: JSON records, one a line, each on the disk before anything is made of it. A process that is killed
 * loses at most the record that it was writing; that torn line is cut off when the journal is opened again.
 */
export class Journal implements AsyncDisposable {
  readonly path: string
  readonly #lines: JsonLinesWriter
  readonly #answers: Map<string, AnswerRecord>

  private constructor(lines: JsonLinesWriter, answers: ReadonlyMap<string, AnswerRecord>) {
    this.path = lines.path
    this.#lines = lines
    this.#answers = new Map(answers)
  }

  /**
   * Opens a journal, or begins one with this header.
   *
   * @throws CemError `journal-damaged`, `file-write-failed`
   */
  static async open(path: string, header: JournalHeader): Promise<Journal> {
    const content = await readJournal(path)
    const lines = await JsonLinesWriter.open(path, { keptBytes: content.sizeBytes })
    const journal = new Journal(lines, content.answers)
    if (content.header !== undefined) return journal
    try {
      await journal.append(header)
      return journal
    } catch (error) {
      await journal[Symbol.asyncDispose]()
      throw error
    }
  }

  /** By key, the records of earlier sessions included. */
  get answers(): ReadonlyMap<string, AnswerRecord> {
    return this.#answers
  }

  /**
   * Appends a record and waits for the disk.
   *
   * @throws CemError `file-write-failed`; nothing can be appended after that, since a part of the record may be there
   */
  async append(record: JournalRecord): Promise<void> {
    await this.#lines.append(record, { durable: true })
    if (record.kind === 'answer') this.#answers.set(record.key, record)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lines[Symbol.asyncDispose]()
  }
}

/**
 * Reads a journal; an empty one where there is no file.
 *
 * @throws CemError `journal-damaged` where a whole line is no record
 */
export async function readJournal(path: string): Promise<JournalContent> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return {
      header: undefined,
      answers: new Map(),
      spent: new Map(),
      answeredBy: null,
      sizeBytes: 0,
    }
  }
  const sizeBytes = bytes.lastIndexOf(0x0a) + 1
  const lines = bytes.subarray(0, sizeBytes).toString('utf8').split('\n').slice(0, -1)
  const answers = new Map<string, AnswerRecord>()
  const spent = new Map<string, SpentSoFar>()
  let header: JournalHeader | undefined
  let answeredBy: JournalContent['answeredBy'] = null
  for (const [i, line] of lines.entries()) {
    const record = parseRecord(line, i, path)
    if (record.kind === 'header') header ??= record
    else if (record.spent !== null) spent.set(record.spent.session, record.spent)
    if (record.kind === 'answer') answers.set(record.key, record)
    if (record.kind === 'session') answeredBy = record.answeredBy ?? answeredBy
  }
  return { header, answers, spent, answeredBy, sizeBytes }
}

/**
 * Moves a file out of the way, under a name of its own.
 *
 * @returns where it is now; undefined where there was none
 */
export async function setAside(path: string): Promise<string | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined
  for (let n = 1; ; n++) {
    const aside = path.replace(/(\.\w+)$/, `.replaced-${n}$1`)
    if ((await stat(aside).catch(() => undefined)) !== undefined) continue
    await rename(path, aside)
    return aside
  }
}

function parseRecord(line: string, index: number, path: string): JournalRecord {
  try {
    const record = JSON.parse(line) as JournalRecord
    const known = ['header', 'answer', 'failure', 'session']
    const isFirst = index === 0
    if (!known.includes(record.kind) || isFirst !== (record.kind === 'header'))
      throw new Error(isFirst ? 'it is no header' : 'it is no record')
    return record
  } catch (error) {
    throw new CemError({
      code: 'journal-damaged',
      message: `Line ${index + 1} of ${path} is no record of this program: ${messageOf(error)}. The file was changed from outside; restore it, or move it away to ask for its answers again.`,
      data: { path, line: index + 1 },
      cause: error,
    })
  }
}
