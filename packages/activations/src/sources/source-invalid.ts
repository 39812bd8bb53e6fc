import { CemError } from '@cem/core'

/** A file of texts that is not what it should be. */
export function sourceInvalid(path: string, reason: string, cause?: unknown): CemError {
  return new CemError({
    code: 'source-invalid',
    message: `${path}: ${reason}.`,
    data: { path },
    cause,
  })
}
