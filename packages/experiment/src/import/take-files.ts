import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, link, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CemError } from '@cem/core'
import type { ImportRecord } from '../store/lock.ts'

export type TakenFile = ImportRecord['files'][number]

/** SHA-256 of a file, read in pieces. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer)
  return hash.digest('hex')
}

export async function describeFile(folder: string, path: string): Promise<TakenFile> {
  const full = join(folder, path)
  const { size } = await stat(full)
  return { path, sizeBytes: size, sha256: await hashFile(full) }
}

/**
 * Puts a file into another folder as a hard link, or as a copy where that cannot be; nothing here changes files in place, so the
 * original stays as it is. A file that is there already has to be the same.
 *
 * @throws CemError `import-would-overwrite`
 */
export async function takeFile(
  from: string,
  to: string,
  path: string,
  name = path,
): Promise<TakenFile> {
  const file = await describeFile(from, path)
  const target = join(to, name)
  if (existsSync(target)) {
    if ((await hashFile(target)) === file.sha256) return file
    throw new CemError({
      code: 'import-would-overwrite',
      message: `${target} is there already, with other content than ${join(from, path)}. Import into an empty folder.`,
      data: { target },
    })
  }
  await mkdir(dirname(target), { recursive: true })
  await link(join(from, path), target).catch(() => copyFile(join(from, path), target))
  return file
}
