import { CemError } from '@cem/core'
import type { Scope } from './interval.ts'

/** One scored answer. Answers to the same question are not independent of each other: the question is the cluster. */
export interface StatisticRow {
  /** The question's id. Paraphrases of a question belong to the same id. */
  readonly question: string
  /** The training seed of the checkpoint that answered. Leave it out when there is only one. */
  readonly seed?: string | number
  /** 0 or 1 for a rate, any finite number for a mean; null: the answer could not be scored. */
  readonly value: number | null
}

/** Sum and count of the scored rows of one group. */
export interface Tally {
  sum: number
  n: number
}

export interface GroupedRows {
  /** Scored rows by question, in order of first appearance. */
  readonly byQuestion: ReadonlyMap<string, Tally>
  /** Scored rows. */
  readonly n: number
  readonly nUnscored: number
  /** Questions that have rows, none of them scored. */
  readonly questionsWithoutScores: readonly string[]
  /** Distinct training seeds; 1 where no row names one. */
  readonly nSeeds: number
}

/** Checks rows and adds them up by question. */
export function groupByQuestion(rows: readonly StatisticRow[]): GroupedRows {
  const byQuestion = new Map<string, Tally>()
  const questions = new Set<string>()
  const seeds = new Set<string>()
  let n = 0
  for (const [index, row] of rows.entries()) {
    checkRow(row, index)
    questions.add(row.question)
    seeds.add(seedOf(row))
    if (row.value === null) continue
    n++
    addTo(byQuestion, row.question, row.value)
  }
  return {
    byQuestion,
    n,
    nUnscored: rows.length - n,
    questionsWithoutScores: [...questions].filter((question) => !byQuestion.has(question)),
    nSeeds: Math.max(1, seeds.size),
  }
}

/** Adds a value to the tally of a key. */
export function addTo<Key>(tallies: Map<Key, Tally>, key: Key, value: number): void {
  const tally = tallies.get(key)
  if (tally === undefined) tallies.set(key, { sum: value, n: 1 })
  else {
    tally.sum += value
    tally.n++
  }
}

/** The seed as text, so that 0 from YAML and "0" from a CSV are one seed; empty where the row names none. */
export const seedOf = (row: StatisticRow) => (row.seed === undefined ? '' : String(row.seed))

/** One seed or several, the methods that cluster by question alone speak about the checkpoints at hand. */
export const questionsOnlyScope: Scope = 'these checkpoints only'

export function checkRow(row: StatisticRow, index: number): void {
  if (typeof row.question !== 'string' || row.question === '')
    throw badRow(
      index,
      'question',
      row.question,
      'the id of the question, a text that is not empty',
    )
  if (row.value !== null && !Number.isFinite(row.value))
    throw badRow(index, 'value', row.value, 'a finite number, or null where there is no score')
}

/** Throws unless the row's value is 0, 1 or null. */
export function checkBinary(row: StatisticRow, index: number): void {
  if (row.value === 0 || row.value === 1 || row.value === null) return
  throw badRow(index, 'value', row.value, '0, 1, or null where there is no score')
}

function badRow(index: number, field: string, value: unknown, wanted: string): CemError {
  return new CemError({
    code: 'bad-row',
    message: `Row ${index} has ${field} ${JSON.stringify(value) ?? String(value)}; it must be ${wanted}.`,
    data: { index, field, value },
  })
}
