import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { JsonLinesWriter } from '@cem/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readJsonLines } from '../src/store/json-lines.ts'
import { claim } from '../src/store/lease.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-store-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('JSON lines', () => {
  test('records come back in order, also when they are appended at once', async () => {
    const path = join(folder, 'a.jsonl')
    await using writer = await JsonLinesWriter.open(path)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => writer.append({ i, text: 'x\ny\u2028' })),
    )
    expect((await readJsonLines<{ i: number }>(path)).map((r) => r.i)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    )
  })

  test('the record that a killed process was writing is left out, and only that one', async () => {
    const path = join(folder, 'b.jsonl')
    await writeFile(path, '{"i":0}\n{"i":1}\n{"i":2')
    expect(await readJsonLines(path)).toEqual([{ i: 0 }, { i: 1 }])
    // A later process writes a file of its own, so nothing is ever appended to half a record.
    await writeFile(path, '{"i":0}\nnonsense\n{"i":2}\n')
    await expect(readJsonLines(path)).rejects.toMatchObject({
      code: 'store-damaged',
      message: expect.stringContaining('Line 2'),
    })
    expect(await readJsonLines(join(folder, 'none.jsonl'))).toEqual([])
  })

  test('a full disk is named, and what was written before is kept', async () => {
    // Every write to /dev/full fails as on a full disk.
    await using writer = await JsonLinesWriter.open('/dev/full')
    await expect(writer.append({ a: 1 })).rejects.toMatchObject({
      code: 'file-write-failed',
      message: expect.stringMatching(/disk is full/),
    })
  })
})

describe('leases', () => {
  test('one holder at a time; free again after release', async () => {
    const path = join(folder, 'leases/unit')
    {
      await using held = await claim(path, 'a')
      expect(held).toBeDefined()
      expect(await claim(path, 'b')).toBeUndefined()
    }
    await using next = await claim(path, 'b')
    expect(next).toBeDefined()
  })

  test('of many that claim at once, one gets it', async () => {
    const path = join(folder, 'leases/race')
    const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => claim(path, `w${i}`)))
    expect(claims.filter((lease) => lease !== undefined).length).toBe(1)
    for (const lease of claims) await lease?.[Symbol.asyncDispose]()
  })

  test('a holder on this machine whose process is gone is not waited for', async () => {
    const path = join(folder, 'leases/dead')
    // Process ids end well below this.
    await writeFile(path, JSON.stringify({ writer: 'dead', host: hostname(), processId: 2 ** 30 }))
    await using lease = await claim(path, 'b')
    expect(lease).toBeDefined()
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ writer: 'b' })
  })

  test('a holder on another machine is waited for until it gives no sign of life', async () => {
    const path = join(folder, 'leases/remote')
    await writeFile(path, JSON.stringify({ writer: 'far', host: 'another-host', processId: 1 }))
    expect(await claim(path, 'b', { staleInMs: 60_000 })).toBeUndefined()
    const old = new Date(Date.now() - 120_000)
    await utimes(path, old, old)
    await using lease = await claim(path, 'b', { staleInMs: 60_000 })
    expect(lease).toBeDefined()
  })

  test('a release does not take away what another process took over', async () => {
    const path = join(folder, 'leases/taken')
    const first = await claim(path, 'a')
    await writeFile(path, JSON.stringify({ writer: 'b', host: hostname(), processId: process.pid }))
    await first?.[Symbol.asyncDispose]()
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ writer: 'b' })
  })
})
