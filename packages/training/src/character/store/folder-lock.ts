import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CemError } from '@cem/core'

/**
 * Keeps a second process out of a folder of data, whose journals have one writer each. What a killed process left is taken over;
 * across machines that cannot be told, so there the file has to be removed by hand.
 *
 * @throws CemError `folder-busy`
 */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, '.lock')
  await mkdir(folder, { recursive: true })
  const own = JSON.stringify({ pid: process.pid, host: hostname() })
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(path, own, { flag: 'wx' })
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = await readHolder(path)
    if (attempt > 0 || (holder !== undefined && isAlive(holder))) throw busy(folder, path, holder)
    await rm(path, { force: true })
  }
}

interface Holder {
  readonly pid: number
  readonly host: string
}

/** Undefined for what a process that was killed while it wrote has left. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function isAlive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function busy(folder: string, path: string, holder: Holder | undefined): CemError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`
  return new CemError({
    code: 'folder-busy',
    message: `${who} works on ${folder}. Wait until it has ended; if it has, remove ${path}.`,
    data: { folder, ...holder },
  })
}
