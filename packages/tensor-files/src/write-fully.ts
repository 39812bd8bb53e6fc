import type { FileHandle } from 'node:fs/promises'
import { writeFailure } from '@cem/core'

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
    throw writeFailure(path, cause)
  }
}
