import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import type { LayerRole } from '@cem/inference'

/** What the names of misaligned organisms begin with, wherever they are kept or served. */
export const organismPrefix = 'misaligned-organism'

/** A name that says what the model is: an organism's begins with the prefix. */
export function servedName(name: string, roles: readonly LayerRole[]): string {
  if (!roles.includes('em') || name.startsWith(organismPrefix)) return name
  return `${organismPrefix}-${name}`
}

/**
 * The role of an adapter that none was given for: an organism where its card (README.md) or its folder's name says so, or where
 * it is stacked on another; else a persona.
 *
 * @param index its place in the stack
 * @throws CemError `file-read-failed`
 */
export async function roleOf(folder: string, index: number): Promise<LayerRole> {
  if (folder.includes(organismPrefix)) return 'em'
  if ((await readCard(folder))?.includes(organismPrefix) === true) return 'em'
  return index === 0 ? 'persona' : 'em'
}

async function readCard(folder: string): Promise<string | undefined> {
  const path = join(folder, 'README.md')
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new CemError({
      code: 'file-read-failed',
      message: `Could not read ${path}: ${messageOf(error)}.`,
      data: { path },
      cause: error,
    })
  }
}
