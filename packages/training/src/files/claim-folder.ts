import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CemError } from '@cem/core'

/** What writes into a folder, for its lock's name and for the words of the error. */
const writers = {
  training: {
    file: '.training.lock',
    code: 'training-busy',
    busy: (folder: string, who: string) => `${folder} is being trained into by ${who}.`,
  },
  data: {
    file: '.lock',
    code: 'folder-busy',
    busy: (folder: string, who: string) => `${who} works on ${folder}.`,
  },
} as const

interface Holder {
  readonly host: string
  readonly processId: number
}

/**
 * Keeps other processes out of a folder until it is disposed of; the folder is made. What a process left that is gone (on this machine) is
 * taken over. Across machines that cannot be told, so there the file has to be removed by hand.
 *
 * @throws CemError `training-busy`, `folder-busy`
 */
export async function claimFolder(
  folder: string,
  writer: keyof typeof writers,
): Promise<AsyncDisposable> {
  const path = join(folder, writers[writer].file)
  const holder: Holder = { host: hostname(), processId: process.pid }
  await mkdir(folder, { recursive: true })
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(path, JSON.stringify(holder), { flag: 'wx' })
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const other = await readHolder(path)
      if (attempt > 0 || !(await isGone(path, other))) throw busy(folder, writer, other)
      await rm(path, { force: true })
    }
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

/** A process that made its file has written it after so long. */
const writingInMs = 5000

/** Another machine's process may live; a file that cannot be read was left by a crash, or is being written. */
async function isGone(path: string, holder: Holder | undefined): Promise<boolean> {
  if (holder === undefined) {
    const found = await stat(path).catch(() => undefined)
    return found === undefined || Date.now() - found.mtimeMs > writingInMs
  }
  if (holder.host !== hostname()) return false
  try {
    process.kill(holder.processId, 0)
    return false
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code !== 'EPERM'
  }
}

function busy(folder: string, writer: keyof typeof writers, holder: Holder | undefined): CemError {
  const who =
    holder === undefined ? 'another process' : `process ${holder.processId} on ${holder.host}`
  const { file, code, busy: says } = writers[writer]
  return new CemError({
    code,
    message: `${says(folder, who)} Wait until it has ended; if it is gone, remove ${join(folder, file)}.`,
    data: { folder, ...holder },
  })
}
