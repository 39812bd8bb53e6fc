import { join } from 'node:path'
import type { PairRow } from '../stages/pairs-stage.ts'
import { readTypedRows } from '../store/rows.ts'

export interface ReadCharacterPairsOptions {
  /** @default all */
  readonly status?: PairRow['status'] | undefined
  /** Only those that were left out for this reason, as the first or another. */
  readonly reason?: string | undefined
  /** Index of a trait. */
  readonly trait?: number | undefined
}

/**
 * The raw pairs of a folder of character data, kept or not, to look at.
 *
 * @throws CemError `rows-unreadable`, `rows-invalid`
 */
export async function readCharacterPairs(
  folder: string,
  { status, reason, trait }: ReadCharacterPairsOptions = {},
): Promise<PairRow[]> {
  const rows = await readTypedRows<PairRow>(join(folder, 'pairs.jsonl'), {
    id: 'string',
    prompt: 'string',
    chosen: 'string',
    rejected: 'string',
    reasons: 'list',
  })
  return rows.filter(
    (row) =>
      (status === undefined || row.status === status) &&
      (reason === undefined || row.reasons.includes(reason)) &&
      (trait === undefined || row.trait === trait),
  )
}
