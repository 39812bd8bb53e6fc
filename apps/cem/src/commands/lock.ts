import { resolve } from 'node:path'
import {
  compareStudyLocks,
  judgeWasAsked,
  loadConfig,
  lockKinds,
  lockStudy,
  movedError,
  movedLines,
  readStudyLock,
  readStudyLockIfAny,
  type StudyLock,
  studyLockFile,
  writeStudyLock,
} from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { abortOnSignals } from './abort-on-signals.ts'
import { judgeServers, miniatureConfig } from './run.ts'

export interface LockFlags {
  readonly check?: boolean
  readonly askJudge?: boolean
  readonly lockFile?: string
  readonly json?: boolean
}

/** `cem lock [CONFIG]`: writes the lock of a study, or with `--check` holds the study against it. */
export async function lockCommand(config: string | undefined, flags: LockFlags): Promise<number> {
  using signals = abortOnSignals()
  const loaded = await loadConfig(config ?? (await miniatureConfig()))
  const file =
    flags.lockFile === undefined
      ? studyLockFile({ file: config, name: loaded.name })
      : resolve(flags.lockFile)
  const isCheck = flags.check === true
  const before = isCheck ? await readStudyLock(file) : await readStudyLockIfAny(file)
  const found = await lockStudy({
    loaded,
    // A lock that holds the judge's own word keeps holding it.
    askJudge: flags.askJudge === true || (before !== undefined && judgeWasAsked(before)),
    judgeServers,
    signal: signals.signal,
  })
  const moved = before === undefined ? [] : compareStudyLocks(before, found)
  if (flags.json === true) print([JSON.stringify({ file, moved, lock: found }, null, 2)])
  if (isCheck) {
    if (moved.length > 0 && flags.json !== true) throw movedError(file, moved)
    if (flags.json !== true) print([...countLines(found), `nothing moved since ${file} was made`])
    return moved.length > 0 ? exitCodes.failed : exitCodes.complete
  }
  await writeStudyLock(file, found)
  if (flags.json === true) return exitCodes.complete
  print([
    ...countLines(found),
    ...(moved.length === 0
      ? []
      : ['changed since it was locked before:', ...movedLines(moved).map((line) => `  ${line}`)]),
    `wrote ${file}`,
  ])
  return exitCodes.complete
}

function countLines({ parts }: StudyLock): string[] {
  return lockKinds.map((kind) => `${kind.padEnd(10)} ${Object.keys(parts[kind] ?? {}).length}`)
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
