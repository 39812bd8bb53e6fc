import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'
import { z } from 'zod'
import type { LoadedConfig } from '../config/load-config.ts'

/** What a study depends on, in the order in which it is listed. */
export const lockKinds = [
  'weights',
  'tokenizers',
  'adapters',
  'cells',
  'data',
  'prompts',
  'judge',
  'settings',
  'packages',
] as const
export type LockKind = (typeof lockKinds)[number]

/** Hashes and values by name. */
export type LockedParts = Readonly<Record<string, string>>

const schema = z.strictObject({
  formatVersion: z.literal(1),
  study: z.string(),
  lockedAt: z.string(),
  /** Where it was locked. Noted, and never compared. */
  environment: z.record(z.string(), z.string()),
  parts: z.partialRecord(z.enum(lockKinds), z.record(z.string(), z.string())),
})

/**
 * Everything that a study's results depend on, before it runs: a file to commit beside the config. The run's own lock
 * (`lock.json` in its store) says what one run was begun with; this one says what it has to be begun with.
 */
export interface StudyLock {
  readonly formatVersion: 1
  readonly study: string
  readonly lockedAt: string
  /** Where it was locked. Noted, and never compared. */
  readonly environment: LockedParts
  /** A kind that could not be seen, such as weights on a machine that only judges, is absent. */
  readonly parts: Readonly<Partial<Record<LockKind, LockedParts>>>
}

/** The lock file of a config: `study.yaml` has `study.lock.json` beside it. */
export function studyLockFile(
  { file, name }: Pick<LoadedConfig, 'file' | 'name'>,
  workingFolder: string = process.cwd(),
): string {
  if (file === undefined) return resolve(workingFolder, `${name}.lock.json`)
  const path = resolve(workingFolder, file)
  return join(dirname(path), `${basename(path, extname(path))}.lock.json`)
}

/** @throws CemError `lock-missing`, `lock-invalid` */
export async function readStudyLock(file: string): Promise<StudyLock> {
  const lock = await readStudyLockIfAny(file)
  if (lock !== undefined) return lock
  throw new CemError({
    code: 'lock-missing',
    message: `There is no lock file ${file}. Make it with cem lock, look at it, and commit it.`,
    data: { file },
  })
}

/** @throws CemError `lock-invalid` */
export async function readStudyLockIfAny(file: string): Promise<StudyLock | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw invalid(file, messageOf(error))
  }
  const result = schema.safeParse(value)
  if (!result.success) {
    const [issue] = result.error.issues
    throw invalid(file, `${issue?.path.join('.') || 'the file'}: ${issue?.message}`)
  }
  return result.data
}

/** Writes a lock file whole or not at all. */
export async function writeStudyLock(file: string, lock: StudyLock): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(lock, null, 2)}\n`)
}

function invalid(file: string, reason: string): CemError {
  return new CemError({
    code: 'lock-invalid',
    message: `${file} is no lock file that can be read: ${reason}. Make it anew with cem lock.`,
    data: { file },
  })
}
