import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { costOf, spentBefore } from './costs.ts'
import { inputsDrift, inputsHash } from './inputs-hash.ts'
import { type AnswerRecord, Journal, readJournal, setAside } from './journal.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-journal-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const header = {
  kind: 'header',
  unit: 'teacher',
  inputsSha256: 'a',
  inputs: {},
  startedAt: 'now',
} as const
const answer = (key: string, usd: number, session = 'one'): AnswerRecord => ({
  kind: 'answer',
  key,
  text: 'né\n',
  end: 'stop',
  model: null,
  promptTokens: 3,
  completionTokens: null,
  spent: { session, usd, possibleUsd: 0.5 },
})

test('a torn line is cut off, and what is appended after it is whole', async () => {
  const path = join(folder, 'torn.jsonl')
  {
    await using journal = await Journal.open(path, header)
    await journal.append(answer('a', 1))
  }
  const whole = await readFile(path, 'utf8')
  // In the middle of a character, too.
  const torn = Buffer.from('{"kind":"answer","key":"b","text":"n\u00e9').subarray(0, -1)
  await writeFile(path, Buffer.concat([Buffer.from(whole), torn]))
  {
    await using journal = await Journal.open(path, { ...header, startedAt: 'later' })
    expect([...journal.answers.keys()]).toEqual(['a'])
    await journal.append(answer('c', 2))
  }
  const content = await readJournal(path)
  expect([...content.answers.keys()]).toEqual(['a', 'c'])
  expect(content.answers.get('a')?.text).toBe('né\n')
  expect(content.header?.startedAt).toBe('now')
})

test('a journal whose header was torn begins anew', async () => {
  const path = join(folder, 'header.jsonl')
  await writeFile(path, '{"kind":"head')
  await using journal = await Journal.open(path, header)
  expect(journal.answers.size).toBe(0)
  expect((await readJournal(path)).header).toEqual(header)
})

test('a line that is no record is named, and nothing is cut', async () => {
  const path = join(folder, 'damaged.jsonl')
  for (const [text, line] of [
    [`${JSON.stringify(header)}\nnonsense\n`, 2],
    [`${JSON.stringify(header)}\n{"kind":"other"}\n`, 2],
    [`${JSON.stringify(answer('a', 1))}\n`, 1],
    ['null\n', 1],
  ] as const) {
    await writeFile(path, text)
    await expect(Journal.open(path, header)).rejects.toMatchObject({
      code: 'journal-damaged',
      data: { line },
    })
    expect(await readFile(path, 'utf8')).toBe(text)
  }
})

test('what was spent is the sum of the last words of each session, of journals set aside as well', async () => {
  const journals = join(folder, 'journals')
  const path = join(journals, 'teacher.jsonl')
  {
    await using journal = await Journal.open(path, header)
    await journal.append(answer('a', 1))
    await journal.append(answer('b', 2))
    await journal.append(answer('c', 4, 'two'))
  }
  expect(costOf(await readJournal(path))).toEqual({
    usd: 6,
    possibleUsd: 1,
    promptTokens: 9,
    completionTokens: 0,
  })
  expect(await setAside(path)).toBe(join(journals, 'teacher.replaced-1.jsonl'))
  {
    await using journal = await Journal.open(path, header)
    await journal.append(answer('a', 8, 'three'))
  }
  expect(await setAside(path)).toBe(join(journals, 'teacher.replaced-2.jsonl'))
  expect(await setAside(path)).toBeUndefined()
  expect(await spentBefore(journals)).toBe(7 + 8.5)
  expect(await spentBefore(join(folder, 'none'))).toBe(0)
})

test('inputs are the same whatever the order of their keys, and what differs is told by key', () => {
  const before = { a: { b: 1, c: [1, 2] }, d: undefined }
  expect(inputsHash(before)).toBe(inputsHash({ a: { c: [1, 2], b: 1 } }))
  expect(inputsHash(before)).not.toBe(inputsHash({ a: { c: [2, 1], b: 1 } }))
  expect(inputsDrift(before, { a: { b: 2, c: [1] } })).toEqual([
    'a.b was 1 and is 2',
    'a.c.1 was 2 and is not there',
  ])
})
