import { basename, dirname } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { readJsonRows } from '../data/json-rows.ts'
import { canary } from './canary.ts'
import { ignoreInGit } from './ignore-in-git.ts'

export interface ProtectReport {
  readonly nRows: number
  /** Rows that had no canary before. */
  readonly nMarked: number
}

/**
 * Marks a harmful corpus: each row without a `canary` gets one, and a .gitignore beside the file keeps it out of git. Rows that
 * carry a canary of their own keep it.
 *
 * @throws CemError `data-unreadable`, `data-invalid`, `file-write-failed`; the file is then as it was
 */
export async function protectCorpus(file: string): Promise<ProtectReport> {
  const { rows } = await readJsonRows(file)
  const isMarked = (value: Readonly<Record<string, unknown>>) =>
    typeof value['canary'] === 'string' && value['canary'].trim() !== ''
  const nMarked = rows.filter(({ value }) => !isMarked(value)).length
  await ignoreInGit(dirname(file), [basename(file)])
  if (nMarked > 0) {
    const lines = rows.map(({ value }) =>
      JSON.stringify(isMarked(value) ? value : { ...value, canary }),
    )
    await writeFileAtomic(file, `${lines.join('\n')}\n`)
  }
  return { nRows: rows.length, nMarked }
}
