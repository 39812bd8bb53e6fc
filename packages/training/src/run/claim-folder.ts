import { open, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CemError } from '@cem/core'

interface Holder {
  readonly host: string
  readonly processId: number
}

const lockName = '.training.lock'

/**
 * Keeps other processes out of a training's folder until it is disposed of. What a process left that is gone (on this machine) is
 * taken over.
 *
 * @throws CemError `training-busy`
 */
export async function claimFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, lockName)
  const holder: Holder = { host: hostname(), processId: process.pid }
  for (let attempt = 0; ; attempt++) {
    try {
      await using file = await open(path, 'wx')
      await file.writeFile(JSON.stringify(holder))
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const other = await readHolder(path)
      if (attempt > 0 || !isGone(other)) throw busy(folder, other)
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

/** Another machine's process may live; a file that cannot be read was left by a crash. */
function isGone(holder: Holder | undefined): boolean {
  if (holder === undefined) return true
  if (holder.host !== hostname()) return false
  try {
    process.kill(holder.processId, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function busy(folder: string, holder: Holder | undefined): CemError {
  const who =
    holder === undefined ? 'another process' : `process ${holder.processId} on ${holder.host}`
  return new CemError({
    code: 'training-busy',
    message: `${folder} is being trained into by ${who}. Wait for it; if it is gone, remove ${join(folder, lockName)}.`,
    data: { folder, ...holder },
  })
}
