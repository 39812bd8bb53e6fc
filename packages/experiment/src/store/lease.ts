import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'

export interface LeaseOptions {
  /** A lease without a sign of life for this long is free. @default 60_000 */
  readonly staleInMs?: number
  /** How often the holder gives one. @default 5_000 */
  readonly heartbeatInMs?: number
}

interface Holder {
  readonly writer: string
  readonly host: string
  readonly processId: number
}

/** A claim on a unit: while it is held, no other process on the shared folder works on that unit. */
export interface Lease extends AsyncDisposable {
  readonly path: string
}

/**
 * Claims a unit, or gives undefined where another living process holds it. The file appears by a link, which is atomic on
 * local and network file systems. A holder on this machine whose process is gone is not waited for.
 */
export async function claim(
  path: string,
  writer: string,
  { staleInMs = 60_000, heartbeatInMs = 5_000 }: LeaseOptions = {},
): Promise<Lease | undefined> {
  await mkdir(dirname(path), { recursive: true })
  const own = `${path}.${writer}`
  const holder: Holder = { writer, host: hostname(), processId: process.pid }
  await writeFile(own, JSON.stringify(holder))
  try {
    if (!(await tryLink(own, path))) {
      if (!(await isAbandoned(path, staleInMs))) return undefined
      // Whoever renames it first may try again; the others find it gone or held anew.
      const moved = await rename(path, `${own}.abandoned`).then(
        () => true,
        () => false,
      )
      await rm(`${own}.abandoned`, { force: true })
      if (!moved || !(await tryLink(own, path))) return undefined
    }
  } finally {
    await rm(own, { force: true })
  }
  const timer = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, heartbeatInMs)
  timer.unref()
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      if ((await readHolder(path))?.writer === writer) await rm(path, { force: true })
    },
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isAbandoned(path: string, staleInMs: number): Promise<boolean> {
  const holder = await readHolder(path)
  if (holder?.host === hostname() && !isAlive(holder.processId)) return true
  try {
    return Date.now() - (await stat(path)).mtimeMs > staleInMs
  } catch {
    return true
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
