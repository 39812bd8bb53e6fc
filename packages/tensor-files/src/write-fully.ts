import type { FileHandle } from 'node:fs/promises'
import { CemError, messageOf } from '@cem/core'

/**
 * Appends all of the bytes; one `write` call may take fewer.
 *
 * @throws CemError `file-write-failed`, for instance on a full disk.
 */
export async function writeFully(
  handle: FileHandle,
  bytes: Uint8Array,
  path: string,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done)
      done += bytesWritten
    }
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    const advice = reason === 'ENOSPC' ? ' The disk is full: free some space and run again.' : ''
    throw new CemError({
      code: 'file-write-failed',
      message: `Could not write ${path}: ${messageOf(cause)}.${advice}`,
      data: { path, reason },
      cause,
    })
  }
}
