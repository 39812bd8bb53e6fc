import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CemError } from '@cem/core'

export interface RunFolder {
  readonly resultsFolder: string
  readonly run: string
}

/**
 * A run as a user names it: the folder of its store, or its name below the results.
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
