import { join } from 'node:path'
import { CemError } from '@cem/core'
import type { Precision, Provider } from '@cem/inference'
import type { PlannedRow, QuestionSetName } from '../plan/question-sets.ts'
import { type RunStore, readFolder } from './run-store.ts'

/** A line of a cell's `completions/`: one answer, by its token ids. */
export interface CompletionRecord extends PlannedRow {
  readonly seed: number
  readonly replicate: number
  readonly promptTokenIds: readonly number[]
  readonly tokenIds: readonly number[]
  readonly text: string
  readonly finishReason: 'stop' | 'length'
  /** What computed it; absent in records from before there was a choice, which are the CPU's. */
  readonly provider?: Provider
  /** The device's name. */
  readonly device?: string
  /** Absent for 32-bit floats. */
  readonly precision?: Exclude<Precision, 'f32'>
  /** What was done to the model's states; absent where nothing was. */
  readonly interventionsSha256?: string
}

/**
 * Refuses answers of another precision than the run's.
 *
 * @throws CemError `precision-mixed`
 */
export function checkPrecision(
  records: Iterable<CompletionRecord>,
  expected: Precision,
  cell: string,
): void {
  for (const { precision = 'f32', question, sample } of records)
    if (precision !== expected)
      throw new CemError({
        code: 'precision-mixed',
        message: `The cell ${cell} holds answers in ${precision} (question '${question}', sample ${sample}), and this run is in ${expected}. They are not comparable: give the run another name, or compute the cell anew with --restart-changed.`,
        data: { cell, precision, expected },
      })
}

/** Identifies an answer within a cell. */
export function rowKey({ set, question, paraphrase, sample }: PlannedRow): string {
  return JSON.stringify([set, question, paraphrase, sample])
}

export function completionsFolder(store: RunStore, cell: string): string {
  return join(store.cellFolder(cell), 'completions')
}

/**
 * The answers of a cell so far, by row. Where two processes wrote the same row (one took over from the other), they wrote the
 * same answer, since a sample depends on its key alone; the first is kept.
 */
export async function readCompletions(
  store: RunStore,
  cell: string,
): Promise<Map<string, CompletionRecord>> {
  const found = new Map<string, CompletionRecord>()
  for (const record of await readFolder<CompletionRecord>(completionsFolder(store, cell))) {
    const key = rowKey(record)
    if (!found.has(key)) found.set(key, record)
  }
  return found
}

export type { QuestionSetName }
