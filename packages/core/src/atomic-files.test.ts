import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openAtomic, writeFileAtomic } from './atomic-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-core-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a file appears on commit, with its folders, and nothing is left beside it', async () => {
  const path = join(folder, 'a/b/c.txt')
  await using file = await openAtomic(path)
  await file.handle.writeFile('whole')
  await expect(readFile(path)).rejects.toThrow('ENOENT')
  await file.commit()
  expect(await readFile(path, 'utf8')).toBe('whole')
  expect(await readdir(join(folder, 'a/b'))).toEqual(['c.txt'])
})

test('what is not committed leaves the old file and no trace', async () => {
  const path = join(folder, 'c.txt')
  await writeFileAtomic(path, 'old')
  {
    await using file = await openAtomic(path)
    await file.handle.writeFile('half')
  }
  expect(await readFile(path, 'utf8')).toBe('old')
  expect(await readdir(folder)).toEqual(['c.txt'])
})

test('a path that cannot be written is named', async () => {
  await writeFile(join(folder, 'file'), '')
  const path = join(folder, 'file/below.txt')
  await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({
    code: 'file-write-failed',
    message: expect.stringContaining(path),
  })
})
