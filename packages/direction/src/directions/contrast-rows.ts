import { CemError } from '@cem/core'
import { type ActivationRows, countRows, isEmptyRow } from './activation-rows.ts'
import { shapeMismatch } from './vectors.ts'

/** Hidden states of one layer with the question of every row. */
export interface QuestionRows extends ActivationRows {
  /** The question's id for every row, shape [nResponses]. Paraphrases of a question belong to the same id. */
  readonly questions: readonly string[]
}

/** The two sides that a direction tells apart, on one layer. */
export interface ContrastRows {
  /** The aligned side: the base, the benign adapter, aligned answers. */
  readonly without: QuestionRows
  /** The misaligned side. */
  readonly with: QuestionRows
}

export type Side = keyof ContrastRows
export const sides: readonly Side[] = ['without', 'with']

/** A row that was left out: an empty answer, NaN throughout. */
export interface SkippedRow {
  readonly side: Side
  /** Index in its side. */
  readonly row: number
  readonly question: string
}

/** A finite row, where it stood. */
export interface KeptRow {
  readonly side: Side
  readonly row: number
  readonly question: string
}

export interface CheckedContrast {
  readonly kept: readonly KeptRow[]
  readonly skipped: readonly SkippedRow[]
  readonly dModel: number
  readonly counts: Readonly<Record<Side, number>>
}

/**
 * Checks both sides and tells the rows to compute with: first those without, then those with, in order.
 *
 * @param place appended to names in errors, for instance ` (layer 7)`
 * @throws CemError `no-rows` where a side has none but empty answers, `shape-mismatch`, `partial-nan`, `not-finite`, `bad-row`
 */
export function checkContrastRows(contrast: ContrastRows, place: string): CheckedContrast {
  const { dModel } = contrast.without
  if (contrast.with.dModel !== dModel)
    throw shapeMismatch(
      `The rows without have dModel ${dModel}, those with have ${contrast.with.dModel}${place}`,
    )
  const kept: KeptRow[] = []
  const skipped: SkippedRow[] = []
  const counts = { without: 0, with: 0 }
  for (const side of sides) {
    const { rows, questions } = contrast[side]
    const name = `the rows ${side}${place}`
    const nRows = countRows(name, rows, dModel)
    checkQuestions(name, questions, nRows)
    for (let row = 0; row < nRows; row++) {
      const item = { side, row, question: questions[row] as string }
      if (isEmptyRow(name, rows, dModel, row)) skipped.push(item)
      else {
        kept.push(item)
        counts[side]++
      }
    }
    if (counts[side] === 0) throw noRows(name, nRows)
  }
  return { kept, skipped, dModel, counts }
}

/** A contrast with a name for errors. */
export interface NamedContrast {
  readonly name: string
  readonly rows: ContrastRows
}

/** Throws `layer-mismatch` unless both hold the same number of responses to the same questions in the same order. */
export function checkSameResponses(a: NamedContrast, b: NamedContrast): void {
  for (const side of sides) {
    const own = a.rows[side].questions
    const other = b.rows[side].questions
    if (own.length === other.length && own.every((question, i) => question === other[i])) continue
    throw new CemError({
      code: 'layer-mismatch',
      message: `${a.name} holds ${own.length} responses ${side}, ${b.name.toLowerCase()} holds ${other.length}, or the questions differ: both need the same responses in the same order.`,
      data: { side, nResponses: own.length, expected: other.length },
    })
  }
}

function checkQuestions(name: string, questions: readonly string[], nRows: number): void {
  if (questions.length !== nRows)
    throw new CemError({
      code: 'shape-mismatch',
      message: `${name} are ${nRows}, but ${questions.length} questions were given; every row needs the id of its question.`,
      data: { name, nRows, nQuestions: questions.length },
    })
  const index = questions.findIndex((question) => typeof question !== 'string' || question === '')
  if (index < 0) return
  throw new CemError({
    code: 'bad-row',
    message: `Row ${index} of ${name} has question ${JSON.stringify(questions[index]) ?? 'undefined'}; it must be the id of the question, a text that is not empty.`,
    data: { name, index, value: questions[index] },
  })
}

function noRows(name: string, nRows: number): CemError {
  return new CemError({
    code: 'no-rows',
    message: `There is nothing to compare: ${name} are ${nRows}, all of them empty answers. Both sides need at least one answer.`,
    data: { name, nRows },
  })
}
