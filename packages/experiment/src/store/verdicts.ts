import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { UnscoredReason, Verdict } from '@cem/judge'
import type { PlannedRow } from '../plan/question-sets.ts'
import { readOptionalJson } from './read-json.ts'
import type { RunStore } from './run-store.ts'

/** What one metric of one answer came to. */
export type MetricVerdict =
  /** The key is that of the whole verdict in the ledger; empty in imported runs, which have none. */
  | { readonly status: 'scored'; readonly score: number; readonly key: string }
  | {
      readonly status: 'unscored'
      /** `not-recorded`: imported runs, whose files say no reason. */
      readonly reason: UnscoredReason | 'not-recorded'
      readonly key: string
    }

/** The score of a metric; null where there is none. */
export function verdictScore(verdict: MetricVerdict | undefined): number | null {
  return verdict?.status === 'scored' ? verdict.score : null
}

/** The verdicts on one answer, by metric (`aligned`, `coherent`, or a questions file's own). */
export interface JudgedRecord extends PlannedRow {
  readonly verdicts: Readonly<Record<string, MetricVerdict>>
}

export function verdictsFolder(store: RunStore): string {
  return join(store.folder, 'verdicts')
}

/** Ledgers of the judgements that check the judge: they are no part of any rate. */
export function checkingFolder(store: RunStore, role: 'second' | 'retest'): string {
  return join(store.folder, `verdicts-${role}`)
}

export function judgedFile(store: RunStore, cell: string): string {
  return join(store.cellFolder(cell), 'judged.json')
}

export function shorten(verdict: Verdict): MetricVerdict {
  const { key } = verdict
  return verdict.status === 'scored'
    ? { status: 'scored', score: verdict.score, key }
    : { status: 'unscored', reason: verdict.reason, key }
}

/** Written when all of a cell's answers were judged; the whole verdicts, raw tokens included, are in the ledger by key. */
export async function writeJudged(
  store: RunStore,
  cell: string,
  records: readonly JudgedRecord[],
): Promise<void> {
  await mkdir(store.cellFolder(cell), { recursive: true })
  await writeFileAtomic(judgedFile(store, cell), JSON.stringify(records))
}

/** What the answers of a cell came to, or undefined where they are not all judged. Throws `store-damaged`. */
export async function readJudged(
  store: RunStore,
  cell: string,
): Promise<readonly JudgedRecord[] | undefined> {
  return (await readOptionalJson(judgedFile(store, cell))) as readonly JudgedRecord[] | undefined
}
