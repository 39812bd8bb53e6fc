import { CemError } from '@cem/core'

/** The error for a run that has no lock. */
export function runUnknown(run: string, folder: string): CemError {
  return new CemError({
    code: 'run-unknown',
    message: `There is no run '${run}': ${folder} has no lock.json. Name a run below the results folder, or its folder.`,
    data: { run, folder },
  })
}
