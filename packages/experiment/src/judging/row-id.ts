import type { PlannedRow } from '../plan/question-sets.ts'

/** Names an answer within a run: what samples, retests and label files know it by. */
export function rowId(cell: string, { set, question, paraphrase, sample }: PlannedRow): string {
  return JSON.stringify([cell, set, question, paraphrase, sample])
}
