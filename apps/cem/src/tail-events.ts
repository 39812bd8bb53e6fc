import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredEvent } from '@cem/experiment'

export interface TailOptions {
  readonly signal: AbortSignal
  /** How often the folder is looked at. @default 1000 */
  readonly pollIntervalInMs?: number
}

/**
 * Events of a run's folder, those of each look in the order of their time, as they are written. Only what is new is read, so a look
 * at a run of days costs what one at a run of minutes does; nothing is written.
 *
 * @returns each event, and after each look how many came with it: 0 says that nothing new was there
 */
export async function* tailEvents(
  storeFolder: string,
  { signal, pollIntervalInMs = 1000 }: TailOptions,
): AsyncGenerator<readonly StoredEvent[], void> {
  const folder = join(storeFolder, 'events')
  const files = new Map<string, TailedFile>()
  while (!signal.aborted) {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
    const fresh: StoredEvent[] = []
    for (const name of names.toSorted()) {
      const file = files.get(name) ?? { offset: 0, rest: Buffer.alloc(0) }
      files.set(name, file)
      fresh.push(...(await readNew(join(folder, name), file)))
    }
    yield fresh.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    await sleep(pollIntervalInMs, undefined, { signal }).catch(() => undefined)
  }
}

interface TailedFile {
  offset: number
  /** The beginning of a line that was not written whole. */
  rest: Buffer
}

const chunkBytes = 2 ** 20

async function readNew(path: string, file: TailedFile): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  await using handle = await open(path, 'r')
  const buffer = Buffer.alloc(chunkBytes)
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, file.offset)
    if (bytesRead === 0) return events
    file.offset += bytesRead
    const text = Buffer.concat([file.rest, buffer.subarray(0, bytesRead)])
    const end = text.lastIndexOf(0x0a)
    file.rest = Buffer.from(text.subarray(end + 1))
    for (const line of text
      .subarray(0, end + 1)
      .toString('utf8')
      .split('\n'))
      if (line !== '') events.push(JSON.parse(line) as StoredEvent)
  }
}
