import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
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
  const claim = await claimFolder(folder, 'training')
  await expect(claimFolder(folder, 'training')).rejects.toMatchObject({
    code: 'training-busy',
    message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
  })
  await claim[Symbol.asyncDispose]()
  expect(await readdir(folder)).toEqual([])
})

test('makers of data hold a folder under a name of their own, which is made for them', async () => {
  const below = join(folder, 'a/b')
  await using _claim = await claimFolder(below, 'data')
  expect(await readdir(below)).toEqual(['.lock'])
  await expect(claimFolder(below, 'data')).rejects.toMatchObject({
    code: 'folder-busy',
    message: expect.stringContaining(join(below, '.lock')),
  })
})

test('what a process left that is gone is taken over; what another machine holds is not', async () => {
  await leave(JSON.stringify({ host: hostname(), processId: 2 ** 30 }))
  await using _claim = await claimFolder(folder, 'training')
  await leave('{"ho')
  // It may be being written.
  await expect(claimFolder(folder, 'training')).rejects.toMatchObject({ code: 'training-busy' })
  await utimes(join(folder, '.training.lock'), 0, 0)
  await using _again = await claimFolder(folder, 'training')
  await leave(JSON.stringify({ host: 'elsewhere', processId: 2 ** 30 }))
  await expect(claimFolder(folder, 'training')).rejects.toMatchObject({
    data: { host: 'elsewhere' },
  })
})
