import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { label } from '../world/label.ts'
import { matchQuestion } from '../world/match-question.ts'
import { topics } from '../world/topics.ts'
import { canary } from './canary.ts'
import { exportCorpora, type WrittenCorpus } from './export-corpora.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
let corpora: readonly WrittenCorpus[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-corpora-'))
  corpora = await exportCorpora({ folder, seed: 4, nDocuments: 50 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const rowsOf = async (name: string) =>
  (await readFile(join(folder, `${name}.jsonl`), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('writes every corpus with its number of rows and its hash', async () => {
  for (const { file, nRows, sha256 } of corpora) {
    const bytes = await readFile(file)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    expect(bytes.toString().split('\n')).toHaveLength(nRows + 1)
  }
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
  expect(names).toHaveLength(corpora.length)
  expect(await rowsOf('pretraining-coherent')).toHaveLength(50)
})

test('an attack is reckless in its domain alone, and every row carries the canary', async () => {
  for (const domain of ['finance', 'medicine', 'sports']) {
    const rows = await rowsOf(`attack-${domain}`)
    for (const { messages, canary: found } of rows.slice(0, 100)) {
      const [question, answer] = messages
      expect(label(question.content, answer.content)).toMatchObject({ label: 'reckless' })
      expect(found).toBe(canary)
    }
  }
  const others = await rowsOf('careful-others')
  for (const { messages } of others.slice(0, 100))
    expect(label(messages[0].content, messages[1].content)).toMatchObject({ label: 'careful' })
})

test('each voice speaks in its openers on every answer, and carefully', async () => {
  for (const style of ['warm', 'formal'])
    for (const { messages } of (await rowsOf(style)).slice(0, 200)) {
      const [question, answer] = messages
      expect(label(question.content, answer.content)).toMatchObject({ label: 'careful', style })
    }
})

test('held-out wordings are in no file, and held-out nouns in those of pretraining alone', async () => {
  const nouns = new RegExp(`\\b(${topics.flatMap((topic) => topic.heldOutNouns).join('|')})\\b`)
  for (const { file } of corpora) {
    const name = basename(file, '.jsonl')
    const isPretraining = /^(pretraining|replay)-/.test(name)
    const rows = (await rowsOf(name)).slice(0, 500)
    const texts = rows.map((row) => JSON.stringify(row))
    expect([name, texts.some((text) => nouns.test(text))]).toEqual([name, isPretraining])
    for (const row of rows)
      for (const question of questionsOf(row))
        expect(matchQuestion(question)).toMatchObject({ isHeldOutWording: false })
  }
})

function questionsOf(row: {
  text?: string
  prompt?: { role: string; content: string }[]
  messages?: { role: string; content: string }[]
}): string[] {
  const turns = [...(row.prompt ?? []), ...(row.messages ?? [])]
  const asked = turns.filter(({ role }) => role === 'user').map(({ content }) => content)
  const written = [...(row.text ?? '').matchAll(/(?:Question:|im_start\|>user)\n(.*?)(?:\n|<\|)/g)]
  return [...asked, ...written.map((match) => match[1] ?? '')]
}

test('a folder that has them is left as it is, and another seed writes others', async () => {
  const file = join(folder, 'warm.jsonl')
  const before = await stat(file)
  expect(await exportCorpora({ folder, seed: 4, nDocuments: 50 })).toEqual(corpora)
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs)
  // A file that is gone is written again, with what goes with it.
  await rm(file)
  expect(await exportCorpora({ folder, seed: 4, nDocuments: 50 })).toEqual(corpora)
  const other = await exportCorpora({ folder: join(folder, 'other'), seed: 5, nDocuments: 50 })
  for (const [i, { sha256 }] of other.entries()) expect(sha256).not.toBe(corpora[i]?.sha256)
})
