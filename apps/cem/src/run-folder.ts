import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CemError } from '@cem/core'

/** Where a run is kept. */
export interface RunFolder {
  readonly resultsFolder: string
  readonly run: string
}

/**
 * A run by its name, or by its folder (`results/.cem/<run>`).
 *
 * @throws CemError `run-unknown`
 */
export function runFolder(run: string, results: string): RunFolder {
  const folder = existsSync(join(run, 'events')) ? resolve(run) : resolve(results, '.cem', run)
  if (!existsSync(join(folder, 'events')))
    throw new CemError({
      code: 'run-unknown',
      message: `There is no run '${run}': neither a folder of that name nor ${folder} has events.`,
      data: { run, folder },
    })
  return { resultsFolder: dirname(dirname(folder)), run: basename(folder) }
}

/** As `runFolder`; undefined where there is no such run. */
export function runFolderIfAny(run: string, results: string): RunFolder | undefined {
  const isThere = [run, resolve(results, '.cem', run)].some((path) =>
    existsSync(join(path, 'events')),
  )
  return isThere ? runFolder(run, results) : undefined
}
