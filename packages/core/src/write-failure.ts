import { CemError, messageOf } from './errors.ts'

/**
 * The error of a file that could not be written, `file-write-failed`, with advice where the disk is full.
 *
 * @param cause what the system threw
 */
export function writeFailure(path: string, cause: unknown): CemError {
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code
  const advice = reason === 'ENOSPC' ? ' The disk is full: free some space and run again.' : ''
  return new CemError({
    code: 'file-write-failed',
    message: `Could not write ${path}: ${messageOf(cause)}.${advice}`,
    data: { path, reason },
    cause,
  })
}
