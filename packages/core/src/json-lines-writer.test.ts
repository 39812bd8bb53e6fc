import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JsonLinesWriter } from './json-lines-writer.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-lines-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('records are appended in the order of the calls, behind what was there', async () => {
  const path = join(folder, 'a/b.jsonl')
  {
    await using writer = await JsonLinesWriter.open(path)
    await writer.append({ i: 0 })
  }
  {
    await using writer = await JsonLinesWriter.open(path)
    await Promise.all([1, 2, 3].map((i) => writer.append({ i }, { durable: i === 2 })))
    await writer.sync()
  }
  expect(await readFile(path, 'utf8')).toBe('{"i":0}\n{"i":1}\n{"i":2}\n{"i":3}\n')
})

test('what is behind the bytes that are kept is cut off', async () => {
  const path = join(folder, 'torn.jsonl')
  await writeFile(path, '{"i":0}\n{"i"')
  await using writer = await JsonLinesWriter.open(path, { keptBytes: 8 })
  await writer.append({ i: 1 })
  expect(await readFile(path, 'utf8')).toBe('{"i":0}\n{"i":1}\n')
})

test('a place that cannot be written is named', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(JsonLinesWriter.open(join(folder, 'file/a.jsonl'))).rejects.toMatchObject({
    code: 'file-write-failed',
    data: { path: join(folder, 'file/a.jsonl') },
  })
})

test.skipIf(!existsSync('/dev/full'))(
  'after a full disk nothing more is appended: a part of the record may be there (needs /dev/full)',
  async () => {
    await using writer = await JsonLinesWriter.open('/dev/full')
    const first = writer.append({ a: 1 })
    const second = writer.append({ a: 2 })
    await expect(first).rejects.toMatchObject({
      code: 'file-write-failed',
      message: expect.stringContaining('The disk is full'),
      data: { path: '/dev/full', reason: 'ENOSPC' },
    })
    await expect(second).rejects.toBe(await first.catch((error: unknown) => error))
  },
)
