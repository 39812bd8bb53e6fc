import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tailEvents } from '../src/tail-events.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-tail-'))
  await mkdir(join(folder, 'events'))
})
afterEach(() => rm(folder, { recursive: true }))

const line = (time: string, unit: string) =>
  `${JSON.stringify({ time, writer: 'w', type: 'unit-start', unit, total: 1, done: 0 })}\n`

async function looks(n: number, between: (look: number) => Promise<void>): Promise<string[][]> {
  const stop = new AbortController()
  const seen: string[][] = []
  for await (const events of tailEvents(folder, { signal: stop.signal, pollIntervalInMs: 1 })) {
    seen.push(events.map((event) => (event.type === 'unit-start' ? event.unit : event.type)))
    if (seen.length === n) stop.abort()
    else await between(seen.length)
  }
  return seen
}

test('events of several writers come in the order of their time, each once', async () => {
  await writeFile(join(folder, 'events/a.jsonl'), line('1', 'first') + line('3', 'third'))
  await writeFile(join(folder, 'events/b.jsonl'), line('2', 'second'))
  const seen = await looks(3, async (look) => {
    if (look === 1) await appendFile(join(folder, 'events/b.jsonl'), line('4', 'fourth'))
  })
  expect(seen).toEqual([['first', 'second', 'third'], ['fourth'], []])
})

test('a line that is being written is taken when it is whole, also within a character', async () => {
  const file = join(folder, 'events/a.jsonl')
  const bytes = Buffer.from(line('1', 'größer'))
  const middle = bytes.indexOf(Buffer.from('ö')) + 1
  await writeFile(file, bytes.subarray(0, middle))
  const seen = await looks(3, async (look) => {
    if (look === 1) await appendFile(file, bytes.subarray(middle))
  })
  expect(seen).toEqual([[], ['größer'], []])
})

test('nothing is written, and a file that joins later is read', async () => {
  const seen = await looks(2, async () => {
    await writeFile(join(folder, 'events/late.jsonl'), line('1', 'late'))
  })
  expect(seen).toEqual([[], ['late']])
  expect(await readdir(folder)).toEqual(['events'])
})
