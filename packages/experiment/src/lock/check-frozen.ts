import { CemError } from '@cem/core'
import { unitId } from '../plan/units.ts'
import { buildLock } from '../run/build-lock.ts'
import type { PreparedRun } from '../run/prepare-run.ts'
import type { RunOptions } from '../run/run-experiment.ts'
import { joinCells, readLock } from '../store/lock.ts'
import type { RunStore } from '../store/run-store.ts'
import { compareStudyLocks, judgeWasAsked, type Moved, movedLines } from './compare-study-locks.ts'
import { judgeSnapshot } from './judge-snapshot.ts'
import { makeStudyLock } from './make-study-lock.ts'
import { readStudyLock } from './study-lock.ts'

/**
 * Holds a run that is about to begin against the lock file of its study. A process without weights takes the cells as the run's
 * store has them. A judge that was asked when the lock was made is asked again, unless nothing is left to judge.
 *
 * @throws CemError `lock-missing`, `lock-invalid`, `lock-moved` with a list of what moved
 */
export async function checkFrozen(
  file: string,
  { loaded, judgeServers, signal, phases }: RunOptions,
  store: RunStore,
  prepared: PreparedRun,
): Promise<void> {
  const locked = await readStudyLock(file)
  const { cells, sets, compositions, done } = prepared
  const built = await buildLock({ loaded, cells, sets, compositions })
  const stored = await readLock(store)
  const lock =
    compositions === undefined && stored !== undefined
      ? { ...built, cells: joinCells(stored, built) }
      : built
  const asks =
    judgeWasAsked(locked) &&
    (phases?.includes('judge') ?? true) &&
    cells.some(({ id }) => !done.has(unitId('judge', id)))
  const snapshot = asks ? await judgeSnapshot({ loaded, judgeServers, signal }) : undefined
  const found = await makeStudyLock({ loaded, lock, sets, compositions, snapshot })
  const moved = compareStudyLocks(locked, found)
  if (moved.length > 0) throw movedError(file, moved)
}

const nLines = 40

/** The error of a study that is not as it was locked. */
export function movedError(file: string, moved: readonly Moved[]): CemError {
  const lines = movedLines(moved)
  const shown = lines.slice(0, nLines).map((line) => `- ${line}`)
  const more = lines.length > nLines ? `\n- and ${lines.length - nLines} more` : ''
  return new CemError({
    code: 'lock-moved',
    message:
      `Not everything is as ${file} has it:\n${shown.join('\n')}${more}\n` +
      'Put back what moved, or, if the change is meant, lock the study anew with cem lock and commit the new lock.',
    data: { file, moved },
  })
}
