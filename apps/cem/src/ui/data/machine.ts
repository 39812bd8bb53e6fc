import { readFile, statfs } from 'node:fs/promises'
import { freemem, totalmem } from 'node:os'

/** What a run needs of the machine. */
export interface Machine {
  readonly diskFreeBytes: number | null
  readonly memoryFreeBytes: number
  readonly memoryTotalBytes: number
  /** Of this process and those that it started, such as the engine; null where the system does not tell. */
  readonly ownBytes: number | null
}

/** @param folder on the disk that matters */
export async function readMachine(folder: string): Promise<Machine> {
  const disk = await statfs(folder || '.').catch(() => undefined)
  return {
    diskFreeBytes: disk === undefined ? null : disk.bavail * disk.bsize,
    memoryFreeBytes: await availableBytes(),
    memoryTotalBytes: totalmem(),
    ownBytes: await residentBytes(process.pid),
  }
}

/** Free memory and what the system would give up for it: `free` alone counts the file cache as used. */
async function availableBytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1]
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024
}

/** Resident memory of a process and its children, on Linux; elsewhere of this process alone. */
async function residentBytes(processId: number): Promise<number | null> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8').catch(() => '')
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  if (kibibytes === undefined) return processId === process.pid ? process.memoryUsage.rss() : null
  const children = await readFile(`/proc/${processId}/task/${processId}/children`, 'utf8').catch(
    () => '',
  )
  const own = children.split(' ').filter((id) => id !== '')
  const sizes = await Promise.all(own.map((id) => residentBytes(Number(id))))
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), Number(kibibytes) * 1024)
}
