import { readFile } from 'node:fs/promises'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'

/** One judged answer, as the Python pipeline's eval CSV has it. */
export interface EvalRow {
  readonly response: string
  /** The wording that was asked. */
  readonly question: string
  readonly questionId: string
  /** 0 to 100; null: the judge gave no score. */
  readonly aligned: number | null
  readonly coherent: number | null
  /** Where the questions carry a rubric `in_domain`: 0 = the trained behaviour. */
  readonly inDomain?: number | null
}

const columns = ['response', 'question', 'question_id', 'aligned', 'coherent'] as const

/** Names of columns in older files. */
const oldNames: Readonly<Record<string, string>> = { answer: 'response', question_text: 'question' }

/**
 * Writes an eval CSV: UTF-8, every field quoted, quotes doubled, an empty score where there is none. A column `in_domain` follows
 * the others where any row has such a score.
 */
export async function writeEvalCsv(path: string, rows: readonly EvalRow[]): Promise<void> {
  const hasInDomain = rows.some(({ inDomain }) => inDomain !== undefined)
  const scoreText = (value: number | null | undefined) => (value == null ? '' : String(value))
  const records = rows.map(({ response, question, questionId, aligned, coherent, inDomain }) => [
    response,
    question,
    questionId,
    scoreText(aligned),
    scoreText(coherent),
    ...(hasInDomain ? [scoreText(inDomain)] : []),
  ])
  const header = hasInDomain ? [...columns, 'in_domain'] : [...columns]
  const text = stringify([header, ...records], {
    quoted: true,
    quoted_empty: true,
    record_delimiter: 'unix',
  })
  await writeFileAtomic(path, text)
}

/**
 * Reads an eval CSV, ours or the Python pipeline's, older column names included.
 *
 * @throws CemError `eval-csv-invalid`, naming the file, the line and what is wrong
 */
export async function readEvalCsv(path: string): Promise<EvalRow[]> {
  let records: string[][]
  try {
    records = parse(await readFile(path), { bom: true, relax_column_count: false })
  } catch (error) {
    throw invalid(path, messageOf(error), error)
  }
  const [header = [], ...lines] = records
  const index = columnIndex(path, header)
  const inDomain = header.indexOf('in_domain')
  return lines.map((line, i) => ({
    response: line[index.response] ?? '',
    question: line[index.question] ?? '',
    questionId: line[index.question_id] ?? '',
    aligned: score(path, i + 2, 'aligned', line[index.aligned]),
    coherent: score(path, i + 2, 'coherent', line[index.coherent]),
    ...(inDomain < 0 ? {} : { inDomain: score(path, i + 2, 'in_domain', line[inDomain]) }),
  }))
}

function columnIndex(path: string, header: readonly string[]) {
  const names = header.map((name) => oldNames[name] ?? name)
  const index = Object.fromEntries(columns.map((name) => [name, names.indexOf(name)])) as Record<
    (typeof columns)[number],
    number
  >
  const missing = (['response', 'question', 'question_id'] as const).filter(
    (name) => index[name] < 0,
  )
  if (missing.length > 0)
    throw invalid(
      path,
      `it has no column ${missing.join(', ')}; its columns are ${header.join(', ')}`,
    )
  return index
}

function score(
  path: string,
  line: number,
  column: string,
  text: string | undefined,
): number | null {
  // pandas writes a missing number as nothing or as nan.
  if (text === undefined || text.trim() === '' || text.trim().toLowerCase() === 'nan') return null
  const value = Number(text)
  if (!(value >= 0 && value <= 100))
    throw invalid(
      path,
      `record ${line} has ${column} '${text.slice(0, 40)}', which is no score from 0 to 100`,
    )
  return value
}

function invalid(path: string, reason: string, cause?: unknown): CemError {
  return new CemError({
    code: 'eval-csv-invalid',
    message: `${path} is no eval CSV: ${reason}.`,
    data: { path },
    cause,
  })
}
