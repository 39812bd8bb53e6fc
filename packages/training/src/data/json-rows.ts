import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'

/** Where an example stands, for messages. */
export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
}

export interface JsonRow {
  readonly place: Place
  readonly value: Readonly<Record<string, unknown>>
}

export interface JsonRows {
  readonly rows: readonly JsonRow[]
  /** Of the file's bytes. */
  readonly sha256: string
}

/**
 * The objects of a JSONL file. Empty lines are passed over.
 *
 * @throws CemError `data-unreadable`; `data-invalid` with the file and line of each broken row
 */
export async function readJsonRows(file: string): Promise<JsonRows> {
  const bytes = await readBytes(file)
  const rows: JsonRow[] = []
  const problems: string[] = []
  for (const [i, line] of decode(bytes, file).split('\n').entries()) {
    if (line.trim() === '') continue
    const place = { file, line: i + 1 }
    const value = parseObject(line)
    if (typeof value === 'string') problems.push(`${placeName(place)}: ${value}`)
    else rows.push({ place, value })
  }
  if (problems.length > 0) throw dataInvalid(problems)
  return { rows, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** `data/train.jsonl:12` */
export function placeName({ file, line }: Place): string {
  return `${file}:${line}`
}

/** An error that shows the first problems of a data set, and says how many there are. */
export function dataInvalid(problems: readonly string[]): CemError {
  const shown = problems.slice(0, 5).map((problem) => `\n- ${problem}`)
  const more = problems.length > 5 ? `\n- and ${problems.length - 5} more` : ''
  return new CemError({
    code: 'data-invalid',
    message: `The data cannot be trained on as it is:${shown.join('')}${more}`,
    data: { problemCount: problems.length, problems: problems.slice(0, 100) },
  })
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new CemError({
      code: 'data-unreadable',
      message: `The data file ${file} cannot be read: ${messageOf(error)}.`,
      data: { file },
      cause: error,
    })
  }
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new CemError({
      code: 'data-unreadable',
      message: `The data file ${file} is not UTF-8 text. Save it as JSONL in UTF-8: one JSON object a line.`,
      data: { file },
      cause: error,
    })
  }
}

/** The object, or why there is none. The words of a broken row are not repeated: they may be harmful, or long. */
function parseObject(line: string): Record<string, unknown> | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'the line is no JSON (one object a line; a line that was cut off, or a file that is one large array?)'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'the line is JSON, but no object'
  return value as Record<string, unknown>
}
