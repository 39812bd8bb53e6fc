import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'
import { type JsonLine, parseJsonLines } from '../../files/json-lines.ts'
import { sha256Of } from './inputs-hash.ts'
import type { ManifestFile } from './manifest.ts'

/**
 * Writes rows as JSON lines; the file appears whole.
 *
 * @throws CemError `file-write-failed`
 */
export async function writeRows(
  folder: string,
  path: string,
  rows: readonly unknown[],
): Promise<ManifestFile> {
  const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  await writeFileAtomic(join(folder, path), bytes)
  return { path, sha256: sha256Of(bytes), sizeBytes: bytes.length, nRows: rows.length }
}

/**
 * Reads JSON lines, each with its line's number; empty lines are passed over.
 *
 * @throws CemError `rows-unreadable`, `rows-invalid` with the file and the first wrong lines
 */
export async function readRows(path: string): Promise<{
  readonly rows: readonly JsonLine[]
  readonly sha256: string
}> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new CemError({
      code: 'rows-unreadable',
      message: `${path} cannot be read: ${messageOf(error)}.`,
      data: { path },
      cause: error,
    })
  }
  const parsed = parseJsonLines(bytes)
  if (parsed === undefined) throw invalidRows(path, ['the file is not UTF-8 text'])
  const { lines, sha256 } = parsed
  const problems = lines.flatMap(({ line, value }) =>
    value === undefined ? [`line ${line} is no JSON`] : [],
  )
  if (problems.length > 0) throw invalidRows(path, problems)
  return { rows: lines, sha256 }
}

/**
 * As `readRows`, of rows that must have members of these types; somebody may have edited the file.
 *
 * @throws CemError as `readRows`
 */
export async function readTypedRows<Row>(
  path: string,
  types: Readonly<Partial<Record<keyof Row & string, 'string' | 'number' | 'list'>>>,
): Promise<Row[]> {
  const { rows } = await readRows(path)
  const problems = rows.flatMap(({ line, value }) => {
    const row = (value ?? {}) as Readonly<Record<string, unknown>>
    return Object.entries(types as Record<string, string>).flatMap(([key, type]) => {
      const found = Array.isArray(row[key]) ? 'list' : typeof row[key]
      return found === type ? [] : [`line ${line}: '${key}' is no ${type}`]
    })
  })
  if (problems.length > 0) throw invalidRows(path, problems)
  return rows.map(({ value }) => value as Row)
}

const mostShown = 20

/** An error with the first of many problems of a file. */
export function invalidRows(path: string, problems: readonly string[]): CemError {
  const shown = problems.slice(0, mostShown).map((problem) => `- ${problem}`)
  const more = problems.length - shown.length
  return new CemError({
    code: 'rows-invalid',
    message: `${path} is not valid:\n${shown.join('\n')}${more > 0 ? `\nand ${more} more` : ''}`,
    data: { path, problems },
  })
}
