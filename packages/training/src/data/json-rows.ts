import { readFile } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'
import { parseJsonLines } from '../files/json-lines.ts'

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
  const parsed = parseJsonLines(await readBytes(file))
  if (parsed === undefined) throw notText(file)
  const rows: JsonRow[] = []
  const problems: string[] = []
  for (const { line, value } of parsed.lines) {
    const place = { file, line }
    const problem = problemOf(value)
    if (problem === undefined) rows.push({ place, value: value as JsonRow['value'] })
    else problems.push(`${placeName(place)}: ${problem}`)
  }
  if (problems.length > 0) throw dataInvalid(problems)
  return { rows, sha256: parsed.sha256 }
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

function notText(file: string): CemError {
  return new CemError({
    code: 'data-unreadable',
    message: `The data file ${file} is not UTF-8 text. Save it as JSONL in UTF-8: one JSON object a line.`,
    data: { file },
  })
}

/** Why a line is no row. The words of a broken one are not repeated: they may be harmful, or long. */
function problemOf(value: unknown): string | undefined {
  if (value === undefined)
    return 'the line is no JSON (one object a line; a line that was cut off, or a file that is one large array?)'
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? undefined : 'the line is JSON, but no object'
}
