import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'

export interface AvailableMemoryOptions {
  /** Folder in which `sys/fs/cgroup` and `proc` lie. @default '/' */
  readonly root?: string
  /** What the system has free, in bytes. @default as the system says, with what it would give back when asked */
  readonly freeBytes?: number
}

/**
 * Bytes that this process may still take: what the system has free, and no more than a container's limit leaves (cgroup v2, each
 * group above the process's own too). File pages that the kernel would drop for it count as free.
 */
export function availableMemory({
  root = '/',
  freeBytes = freemem(),
}: AvailableMemoryOptions = {}): number {
  let available = freeBytes
  for (const folder of groupFolders(root)) {
    const limit = readNumber(join(folder, 'memory.max'))
    const used = readNumber(join(folder, 'memory.current'))
    // `max` is no number: no limit.
    if (limit === undefined || used === undefined) continue
    available = Math.min(available, limit - used + droppable(folder))
  }
  return Math.max(0, available)
}

/** The process's group and those above it, the top one last. */
function groupFolders(root: string): string[] {
  const top = join(root, 'sys/fs/cgroup')
  const own = /^0::(.*)$/m.exec(read(join(root, 'proc/self/cgroup')) ?? '')?.[1]
  if (own === undefined) return []
  const parts = own.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    join(top, ...parts.slice(0, parts.length - i)),
  )
}

function droppable(folder: string): number {
  const found = /^inactive_file (\d+)$/m.exec(read(join(folder, 'memory.stat')) ?? '')?.[1]
  return Number(found ?? 0)
}

function readNumber(path: string): number | undefined {
  const text = read(path)?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
