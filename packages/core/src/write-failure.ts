import { CemError, messageOf } from './errors.ts'

/**
 * What a failed write is to its caller: a CemError `file-write-failed` with the path, the system's reason and, on a full disk, what to
 * do; or the error itself where it is a CemError already.
 *
 * @param cause what was thrown
 */
export function writeFailure(path: string, cause: unknown): CemError {
  if (CemError.isInstance(cause)) return cause
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code
  const isFull = reason === 'ENOSPC' || reason === 'EDQUOT'
  const advice = isFull ? ' The disk is full: free some space and run again.' : ''
  return new CemError({
    code: 'file-write-failed',
    message: `Could not write ${path}: ${messageOf(cause)}.${advice}`,
    data: { path, reason },
    cause,
  })
}
