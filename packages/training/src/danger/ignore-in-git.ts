import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'

/**
 * Makes git leave names of a folder out: adds the ones that its .gitignore lacks.
 *
 * @param names file names, or `*` for everything in the folder
 * @throws CemError `file-write-failed`
 */
export async function ignoreInGit(folder: string, names: readonly string[]): Promise<void> {
  const path = join(folder, '.gitignore')
  const before = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  })
  const there = new Set(before.split(/\r?\n/))
  const missing = names.map(escapeName).filter((name) => !there.has(name))
  if (missing.length === 0) return
  const start = before === '' || before.endsWith('\n') ? before : `${before}\n`
  await writeFileAtomic(path, `${start}${missing.join('\n')}\n`)
}

/** Characters that have a meaning in .gitignore, but for a lone `*`. */
function escapeName(name: string): string {
  return name === '*' ? name : name.replace(/[\\*?[\]!# ]/g, '\\$&')
}
