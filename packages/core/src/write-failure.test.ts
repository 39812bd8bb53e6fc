import { expect, test } from 'vitest'
import { writeFailure } from './write-failure.ts'

test('a full disk is told with what to do, another failure as the system says it', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  expect(writeFailure('a/b.npz', full)).toMatchObject({
    code: 'file-write-failed',
    message:
      'Could not write a/b.npz: ENOSPC: no space left on device. The disk is full: free some space and run again.',
    data: { path: 'a/b.npz', reason: 'ENOSPC' },
    cause: full,
  })
  expect(writeFailure('x', 'odd').message).toBe('Could not write x: odd.')
  expect(writeFailure('x', undefined).data).toEqual({ path: 'x', reason: undefined })
})
