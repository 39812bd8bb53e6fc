import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'

export interface LeftRun {
  readonly processId: number
  readonly logFile: string
}

/** Tells the process in the background that what judging costs was confirmed on the terminal. */
export const confirmedVariable = 'CEM_COST_CONFIRMED'

/**
 * Starts this command anew in the background, without a terminal: it goes on from what is on the disk, and a terminal that is closed
 * does not end it. Its lines go to a file in the run's folder.
 *
 * @param storeFolder of the run, `<results>/.cem/<run>`
 */
export function leaveRunning(
  storeFolder: string,
  {
    costConfirmed,
    command = process.argv.slice(1),
  }: { readonly costConfirmed: boolean; readonly command?: readonly string[] },
): LeftRun {
  mkdirSync(storeFolder, { recursive: true })
  const logFile = join(storeFolder, 'background.log')
  const log = openSync(logFile, 'a')
  try {
    const child = spawn(process.execPath, [...process.execArgv, ...command, '--plain'], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...(costConfirmed ? { [confirmedVariable]: '1' } : {}) },
    })
    child.unref()
    return { processId: child.pid ?? 0, logFile }
  } finally {
    closeSync(log)
  }
}
