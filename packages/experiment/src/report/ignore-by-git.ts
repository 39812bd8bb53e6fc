import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { reportCanary } from './canary.ts'

/** Keeps a folder of answers, some of which may be harmful, out of git, unless somebody has decided otherwise there. */
export async function ignoreByGit(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, '.gitignore')
  if (!existsSync(path)) await writeFileAtomic(path, `# ${reportCanary}\n*\n`)
}
