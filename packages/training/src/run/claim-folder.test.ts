import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimFolder } from './claim-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-claim-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))
const leave = (holder: string) => writeFile(join(folder, '.training.lock'), holder)

test('a folder is held by one, and free after', async () => {
  const claim = await claimFolder(folder)
  await expect(claimFolder(folder)).rejects.toMatchObject({
    code: 'training-busy',
    message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
  })
  await claim[Symbol.asyncDispose]()
  expect(await readdir(folder)).toEqual([])
})

test('what a process left that is gone is taken over; what another machine holds is not', async () => {
  await leave(JSON.stringify({ host: hostname(), processId: 2 ** 30 }))
  await using _claim = await claimFolder(folder)
  await leave('{"ho')
  await using _again = await claimFolder(folder)
  await leave(JSON.stringify({ host: 'elsewhere', processId: 2 ** 30 }))
  await expect(claimFolder(folder)).rejects.toMatchObject({ data: { host: 'elsewhere' } })
})
