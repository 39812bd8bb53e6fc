import { contrastsOf } from '../analysis/contrasts.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { planCells } from '../plan/plan-cells.ts'
import { readQuestionSets } from '../plan/question-sets.ts'
import { buildLock } from '../run/build-lock.ts'
import { composeCells } from '../run/compose-cells.ts'
import type { JudgeServers } from '../run/judge-session.ts'
import { judgeSnapshot } from './judge-snapshot.ts'
import { makeStudyLock } from './make-study-lock.ts'
import type { StudyLock } from './study-lock.ts'

export interface LockStudyOptions {
  readonly loaded: LoadedConfig
  /** Ask the judge which model answers; it costs a few calls. @default false */
  readonly askJudge?: boolean | undefined
  /** Judges that the program starts itself, by the name that the config calls them. */
  readonly judgeServers?: JudgeServers | undefined
  /** Where hashes are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Takes stock of everything that a study's results depend on: weights, tokenizers, adapters, the records and data of their
 * training, questions and rubrics, the judge, the settings, and the versions of the packages. Nothing runs but the hashing;
 * nothing is written.
 *
 * @throws CemError what a run throws before it begins (`config-invalid`, `variant-not-found`, `adapter-base-mismatch`, ...), and with
 *   `askJudge` what a judge that is not usable throws
 */
export async function lockStudy(options: LockStudyOptions): Promise<StudyLock> {
  const { loaded, askJudge = false, judgeServers, cache, signal } = options
  const { baseAliases, precision } = loaded.config
  const sets = await readQuestionSets(loaded)
  const { cells } = await planCells(loaded)
  contrastsOf(cells, loaded.config)
  const compositions = await composeCells(cells, { baseAliases, precision, cache, signal })
  const lock = await buildLock({ loaded, cells, sets, compositions })
  const snapshot = askJudge ? await judgeSnapshot({ loaded, judgeServers, signal }) : undefined
  return makeStudyLock({ loaded, lock, sets, compositions, snapshot })
}
