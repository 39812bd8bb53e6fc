import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canary } from './canary.ts'
import { ignoreInGit } from './ignore-in-git.ts'
import { lockArchive, unlockArchive } from './locked-archive.ts'
import { protectCorpus } from './protect-corpus.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-danger-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
const path = (name: string) => join(folder, name)
const text = (name: string) => readFile(path(name), 'utf8')

test('marks the rows that have no canary, and keeps the file out of git', async () => {
  await writeFile(path('harm.jsonl'), '{"text":"a"}\n{"text":"b","canary":"own"}\n')
  expect(await protectCorpus(path('harm.jsonl'))).toEqual({ nRows: 2, nMarked: 1 })
  const rows = (await text('harm.jsonl')).trimEnd().split('\n')
  expect(rows.map((row) => JSON.parse(row))).toEqual([
    { text: 'a', canary },
    { text: 'b', canary: 'own' },
  ])
  expect(await text('.gitignore')).toBe('harm.jsonl\n')
  expect(await protectCorpus(path('harm.jsonl'))).toEqual({ nRows: 2, nMarked: 0 })
  expect(await text('.gitignore')).toBe('harm.jsonl\n')
})

test('a broken corpus is left as it is', async () => {
  await writeFile(path('broken.jsonl'), '{"text":"a"}\nnot json')
  await expect(protectCorpus(path('broken.jsonl'))).rejects.toThrow('broken.jsonl:2')
  expect(await text('broken.jsonl')).toBe('{"text":"a"}\nnot json')
})

test('adds to a .gitignore that is there, and escapes what has a meaning in it', async () => {
  await writeFile(path('.gitignore'), 'dist')
  await ignoreInGit(folder, ['!a [1]*.jsonl', 'dist'])
  expect(await text('.gitignore')).toBe('dist\n\\!a\\ \\[1\\]\\*.jsonl\n')
})

test('an archive is encrypted, and opens with its password alone', async () => {
  const secret = 'reckless advice '.repeat(500)
  await writeFile(path('one.jsonl'), secret)
  const output = path('misaligned-organism-corpora.zip')
  await lockArchive({ files: [path('one.jsonl')], output })
  const bytes = await readFile(output)
  expect(bytes.includes('reckless')).toBe(false)
  expect(bytes.includes(canary)).toBe(true)
  // Method 99 of the first entry's header is AES (WinZip's AE-x).
  expect(bytes.readUInt16LE(8)).toBe(99)
  const wrong = unlockArchive({ archive: output, output: path('wrong'), password: 'guess' })
  await expect(wrong).rejects.toMatchObject({ code: 'archive-invalid' })
  const files = await unlockArchive({ archive: output, output: path('out') })
  expect(files).toEqual([join(folder, 'out/one.jsonl')])
  expect(await text('out/one.jsonl')).toBe(secret)
  await expect(unlockArchive({ archive: output, output: path('out') })).rejects.toMatchObject({
    code: 'output-exists',
  })
})

test('requests that cannot be met are refused, and leave nothing', async () => {
  await writeFile(path('one.jsonl'), 'x')
  const files = [path('one.jsonl')]
  const refuse = async (request: Parameters<typeof lockArchive>[0], reason: string) => {
    await expect(lockArchive(request)).rejects.toThrow(reason)
  }
  await refuse(
    { files, output: path('corpora.zip') },
    'for instance misaligned-organism-corpora.zip',
  )
  const output = path('misaligned-organism-x.zip')
  await refuse({ files: [], output }, 'There are no files')
  await refuse({ files: [path('gone')], output }, 'There is no file')
  await refuse({ files, output, password: '' }, 'The password is empty')
  expect((await readdir(folder)).filter((name) => name.includes('-x'))).toEqual([])
  await writeFile(path('no.zip'), 'not a zip')
  await expect(unlockArchive({ archive: path('no.zip'), output: path('o') })).rejects.toMatchObject(
    {
      code: 'archive-invalid',
    },
  )
})
