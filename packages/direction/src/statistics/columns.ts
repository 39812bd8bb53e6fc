import { CemError } from '@cem/core'

/** A judgement: a score, or a label of a closed set. null: this judge gave none. */
export type Rating = string | number | null

/** Two judges (or one judge twice, or a judge and a human) on the SAME rows, as columns of one length. */
export interface TwoColumns<Value extends Rating = Rating> {
  readonly a: readonly Value[]
  readonly b: readonly Value[]
  /** The question of each row: the cluster. Without it rows count as independent, which answers to one question are not. */
  readonly questions?: readonly string[]
}

export interface RatedPair<Value extends string | number> {
  /** Index of the row. */
  readonly row: number
  readonly a: Value
  readonly b: Value
}

export interface PairedColumns<Value extends string | number> {
  /** Rows with both ratings, by question. */
  readonly byQuestion: ReadonlyMap<string, readonly RatedPair<Value>[]>
  /** Rows with both ratings. */
  readonly n: number
  /** Rows that lack a's rating, b's, or both. */
  readonly nLeftOut: number
}

/** Checks the columns and groups the rows that have both ratings. */
export function pairColumns<Value extends string | number>({
  a,
  b,
  questions,
}: TwoColumns<Value | null>): PairedColumns<Value> {
  checkColumns([a, b], questions)
  const byQuestion = new Map<string, RatedPair<Value>[]>()
  let n = 0
  for (const [row, left] of a.entries()) {
    const right = b[row]
    if (left === null || right === null || right === undefined) continue
    n++
    const question = questionOf(questions, row)
    const group = byQuestion.get(question)
    if (group === undefined) byQuestion.set(question, [{ row, a: left, b: right }])
    else group.push({ row, a: left, b: right })
  }
  return { byQuestion, n, nLeftOut: a.length - n }
}

/** The question's id, or one of the row's own where no questions are given. */
export const questionOf = (questions: readonly string[] | undefined, row: number) =>
  questions?.[row] ?? `row ${row}`

/** Throws unless all columns are of one length and hold finite numbers, texts and nulls. */
export function checkColumns(
  columns: readonly (readonly Rating[])[],
  questions: readonly string[] | undefined,
): void {
  const lengths = [...columns, ...(questions === undefined ? [] : [questions])].map((c) => c.length)
  if (new Set(lengths).size > 1)
    throw new CemError({
      code: 'bad-columns',
      message: `The columns have ${lengths.join(', ')} rows${questions === undefined ? '' : ' (the last is that of the questions)'}; give one rating per row and judge, null where there is none.`,
      data: { lengths },
    })
  for (const [index, column] of columns.entries())
    for (const [row, rating] of column.entries())
      if (!isRating(rating)) throw badRating(index, row, rating)
  const unnamed = questions?.findIndex(
    (question) => typeof question !== 'string' || question === '',
  )
  if (unnamed === undefined || unnamed === -1) return
  throw new CemError({
    code: 'bad-columns',
    message: `Row ${unnamed} has no question; give the id of the question of every row, or leave the questions out.`,
    data: { row: unnamed },
  })
}

/** Throws unless every rating is a number or null. */
export function checkNumbers(columns: readonly (readonly Rating[])[], what: string): void {
  for (const [index, column] of columns.entries())
    for (const [row, rating] of column.entries())
      if (typeof rating === 'string')
        throw new CemError({
          code: 'bad-columns',
          message: `Column ${index}, row ${row} is ${JSON.stringify(rating)}; ${what} needs numbers.`,
          data: { column: index, row, rating },
        })
}

const isRating = (value: unknown) =>
  value === null ||
  (typeof value === 'string' && value !== '') ||
  (typeof value === 'number' && Number.isFinite(value))

function badRating(column: number, row: number, rating: unknown): CemError {
  return new CemError({
    code: 'bad-columns',
    message: `Column ${column}, row ${row} is ${typeof rating === 'number' ? rating : (JSON.stringify(rating) ?? String(rating))}; a rating is a finite number, a text that is not empty, or null where there is none.`,
    data: { column, row, rating },
  })
}
