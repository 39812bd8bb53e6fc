import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CemError } from '@cem/core'
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
  const path = join(folder, 'pairs.jsonl')
  if (!existsSync(path))
    throw new CemError({
      code: 'rows-unreadable',
      message: `${folder} has no pairs.jsonl. The pairs are made by the stage of that name: run it, or give the folder that the config has as output.`,
      data: { path },
    })
  const rows = await readTypedRows<PairRow>(path, {
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
