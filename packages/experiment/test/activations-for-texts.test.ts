import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { extractConversations, openActivationSet, transcripts } from '@cem/activations'
import { loadModel } from '@cem/inference'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { activationsForTexts } from '../src/index.ts'

const base = fileURLToPath(new URL('../../inference/fixtures/gqa-6-2-tied/model', import.meta.url))
const golden = (name: string) =>
  fileURLToPath(new URL(`../../activations/golden/${name}`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-texts-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const say = (role: string, content: string) => ({ role, content })
const talks = [
  [say('user', 'Where?'), say('assistant', 'Here.'), say('user', 'Why?'), say('assistant', 'So.')],
  [say('user', 'Is anybody there?')],
  [say('user', 'Well?'), say('assistant', '')],
]

async function writeTalks(): Promise<string> {
  const path = join(folder, 'talks.jsonl')
  await writeFile(path, talks.map((messages) => `${JSON.stringify({ messages })}\n`).join(''))
  return path
}

const options = { base, layers: [], activationLayers: [1, 2], span: 'turn' as const }

test('a transcript has a row for each conversation, or for each answer; what is missing is NaN, and counted', async () => {
  const texts = await writeTalks()
  const output = join(folder, 'last.npz')
  const last = await activationsForTexts({ ...options, texts, output })
  expect(last).toMatchObject({
    format: 'transcript',
    nConversations: 3,
    nRows: 3,
    nEmpty: 2,
    nWithout: 1,
    nRetokenized: 2,
    nMovedBoundaries: 0,
    nUnknownBoundaries: 2,
    warnings: [{ code: 'retokenized', n: 1 }],
  })
  const all = await activationsForTexts({
    ...options,
    texts,
    output: join(folder, 'all.npz'),
    messages: 'all',
  })
  expect(all).toMatchObject({ nRows: 3, nEmpty: 1, nWithout: 1 })
  expect((await readFile(all.rowsFile ?? '', 'utf8')).trimEnd().split('\n')).toEqual([
    'row,conversation,id,message,role,tokens,empty',
    expect.stringMatching(/^0,0,0,1,assistant,\d+,0$/),
    expect.stringMatching(/^1,0,0,3,assistant,\d+,0$/),
    '2,2,2,1,assistant,0,1',
  ])

  // The same means as the extraction gives by itself.
  await using model = await loadModel({ base, cache: folder })
  const wanted: Float32Array[] = []
  for await (const event of extractConversations({
    model,
    conversations: transcripts(texts),
    layers: [1, 2],
    spans: ['turn'],
    roles: ['assistant'],
  }))
    if (event.type === 'conversation' && event.index === 0)
      wanted.push(...event.turns.flatMap(({ means }) => means.turn ?? []))
  const { dModel } = model.architecture
  await using set = await openActivationSet(join(folder, 'all.npz'))
  const rows = await set.readLayer(2)
  for (const i of [0, 1])
    expect(rows.subarray(i * dModel, (i + 1) * dModel)).toEqual(wanted[i]?.subarray(dModel))
  expect(rows.subarray(2 * dModel).every(Number.isNaN)).toBe(true)
  await using lastSet = await openActivationSet(output)
  const lastRows = await lastSet.readLayer(2)
  expect(lastRows.subarray(0, dModel)).toEqual(wanted[1]?.subarray(dModel))
  expect(lastRows.subarray(dModel).every(Number.isNaN)).toBe(true)
  expect(lastSet.metadata).toMatchObject({ csv_path: texts, empty_responses: 2, num_responses: 3 })
})

test('an Inspect log says how many boundaries moved; its user turns can be asked for, and a role that is not there not', async () => {
  const texts = golden('inspect.eval')
  const report = await activationsForTexts({ ...options, texts, output: join(folder, 'i.npz') })
  expect(report).toMatchObject({
    format: 'inspect',
    nConversations: 2,
    nRows: 2,
    nEmpty: 0,
    nRetokenized: 2,
    nUnknownBoundaries: 1,
  })
  expect(report.warnings.map(({ code, n }) => [code, n])).toContainEqual(['content-left-out', 2])
  const asked = { ...options, texts, output: join(folder, 'u.npz') }
  expect(await activationsForTexts({ ...asked, role: 'user' })).toMatchObject({ nRows: 2 })
  await expect(activationsForTexts({ ...asked, role: 'judge' })).rejects.toMatchObject({
    code: 'role-missing',
    message: expect.stringMatching(/has the role 'judge'\. It has system, user, assistant, tool\./),
  })
})

test('a CSV of the Python pipeline keeps its rows, one for each, and needs no list of them', async () => {
  const report = await activationsForTexts({
    ...options,
    texts: golden('eval.csv'),
    output: join(folder, 'c.npz'),
  })
  expect(report).toMatchObject({ format: 'csv', nRows: 4, nEmpty: 1, nUnknownBoundaries: 3 })
  expect(report.rowsFile).toBeUndefined()
})
