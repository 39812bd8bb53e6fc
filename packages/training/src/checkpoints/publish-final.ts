import { randomBytes } from 'node:crypto'
import { copyFile, link, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFailure } from '@cem/core'
import { optimizerFile, stateFile } from './write-checkpoint.ts'

/**
 * Puts the last checkpoint's adapter (or model) into the training's own folder too, where the final one is looked for. The weights
 * are linked where the file system can, so they take no more space.
 *
 * @throws CemError `file-write-failed`
 */
export async function publishFinal(checkpoint: string, folder: string): Promise<void> {
  const names = (await readdir(checkpoint)).filter(
    (name) => name !== optimizerFile && name !== stateFile,
  )
  for (const name of names) {
    const from = join(checkpoint, name)
    const temporary = join(folder, `.${name}.${randomBytes(6).toString('hex')}.tmp`)
    try {
      await link(from, temporary).catch(() => copyFile(from, temporary))
      await rename(temporary, join(folder, name))
    } catch (cause) {
      await rm(temporary, { force: true })
      throw writeFailure(join(folder, name), cause)
    }
  }
}
