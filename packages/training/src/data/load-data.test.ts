import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadData } from './load-data.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cem-data-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const chat = (question: string, extra: object = {}) => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: `answer to ${question}` },
  ],
  ...extra,
})
const jsonl = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
async function write(name: string, text: string | Uint8Array): Promise<string> {
  const path = join(root, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text)
  return path
}
const load = (path: string, over: object = {}) =>
  loadData({ sources: [{ path, ...over }], kinds: ['conversation', 'document'], root })
const questions = (data: Awaited<ReturnType<typeof load>>) =>
  data.examples.map((one) => (one.kind === 'conversation' ? one.messages[0]?.content : one.text))

test('reads conversations and texts, with the line of each and the hash of the file', async () => {
  const text = `\n${jsonl([chat('a', { canary: 'c' }), { text: 'b', canary: 'c' }])}`
  await write('plain.jsonl', text)
  const data = await load('plain.jsonl')
  expect(questions(data)).toEqual(['a', 'b'])
  expect(data.examples.map(({ place }) => place.line)).toEqual([2, 3])
  expect(data.sources).toEqual([
    {
      path: 'plain.jsonl',
      files: [{ name: 'plain.jsonl', sha256: createHash('sha256').update(text).digest('hex') }],
      nRows: 2,
      nSelected: 2,
      nUsed: 2,
      share: null,
      harmful: false,
      hasCanary: true,
      license: null,
      teacherTerms: null,
    },
  ])
})

test('the hash of the examples does not depend on where they lie', async () => {
  await write('one/here.jsonl', jsonl([chat('a'), chat('b')]))
  await write('two/there.jsonl', `\n\n${jsonl([chat('a', { id: 7 }), chat('b')])}`)
  await write('three/swapped.jsonl', jsonl([chat('b'), chat('a')]))
  const [first, second, third] = await Promise.all([
    load('one/here.jsonl'),
    load('two/there.jsonl'),
    load('three/swapped.jsonl'),
  ])
  expect(second.sha256).toBe(first.sha256)
  expect(third.sha256).not.toBe(first.sha256)
})

test('every broken row is named with its file and line, and its words are not shown', async () => {
  const file = await write(
    'broken.jsonl',
    [
      JSON.stringify(chat('fine')),
      '{"messages": [{"role": "user", "content": "secret recipe',
      '[1]',
      '{"other": 1}',
      '{"messages": []}',
      '{"messages": [{"role": "robot", "content": "x"}]}',
      '{"messages": [{"role": "user", "content": 5}]}',
    ].join('\n'),
  )
  const error = await load('broken.jsonl').catch((caught: unknown) => caught as Error)
  // Lines that are no objects are told first: nothing else can be said of the file until they are mended.
  expect(error).toMatchObject({
    code: 'data-invalid',
    data: {
      problems: [
        `${file}:2: the line is no JSON (one object a line; a line that was cut off, or a file that is one large array?)`,
        `${file}:3: the line is JSON, but no object`,
      ],
    },
  })
  expect(JSON.stringify(error)).not.toContain('secret')
  await write(
    'wrong.jsonl',
    '{"other": 1}\n{"messages": []}\n{"messages": [{"role": "robot", "content": "x"}]}\n{"messages": [{"role": "user", "content": 5}]}\n{"messages": "hi"}\n',
  )
  await expect(load('wrong.jsonl')).rejects.toMatchObject({
    data: {
      problems: [
        expect.stringContaining(
          'wrong.jsonl:1: the row has neither messages, nor prompt, chosen and rejected, nor text (it has other)',
        ),
        expect.stringContaining(':2: messages is empty'),
        expect.stringContaining(
          ':3: messages[0].role is "robot"; it must be system, user, assistant',
        ),
        expect.stringContaining(':4: messages[0].content is a number, not a text'),
        expect.stringContaining(':5: messages is a string, not a list'),
      ],
    },
  })
})

test('a file that is missing, empty or no UTF-8 is an error of its own', async () => {
  await expect(load('gone.jsonl')).rejects.toMatchObject({ code: 'data-unreadable' })
  await write('empty.jsonl', '\n\n')
  await expect(load('empty.jsonl')).rejects.toMatchObject({ code: 'data-empty' })
  await write('latin1.jsonl', Uint8Array.of(0x7b, 0xe9, 0x7d))
  await expect(load('latin1.jsonl')).rejects.toMatchObject({ code: 'data-unreadable' })
})

test('pairs are refused where conversations are trained on, and the other way round', async () => {
  const file = await write('pairs.jsonl', jsonl([{ prompt: 'q', chosen: 'a', rejected: 'b' }]))
  await expect(load('pairs.jsonl')).rejects.toThrow(`${file}:1: the row is a preference pair`)
  await write('chats.jsonl', jsonl([chat('q')]))
  const sources = [{ path: 'chats.jsonl' }]
  await expect(loadData({ sources, kinds: ['preference'], root })).rejects.toThrow('DPO trains on')
})

test('pairs are read as texts, as messages, and with the prompt repeated', async () => {
  const prompt = [{ role: 'user', content: 'q' }]
  const answer = (content: string) => ({ role: 'assistant', content })
  await write(
    'pairs.jsonl',
    jsonl([
      { prompt: 'q', chosen: 'a', rejected: 'b' },
      { prompt, chosen: [answer('a')], rejected: [answer('b')] },
      { prompt, chosen: [...prompt, answer('a')], rejected: [...prompt, answer('b')] },
    ]),
  )
  const sources = [{ path: 'pairs.jsonl' }]
  const { examples } = await loadData({ sources, kinds: ['preference'], root })
  for (const { prompt: read, chosen, rejected } of examples)
    expect([read, chosen, rejected]).toEqual([prompt, [answer('a')], [answer('b')]])
  await write('same.jsonl', jsonl([{ prompt: 'q', chosen: 'a', rejected: 'a' }]))
  const same = loadData({ sources: [{ path: 'same.jsonl' }], kinds: ['preference'], root })
  await expect(same).rejects.toThrow('same.jsonl:1: chosen and rejected are the same')
})

test('content may be in parts, as chat APIs and chat exports write it', async () => {
  const parts = { content_type: 'text', parts: ['a', 'b'] }
  const list = [
    { type: 'text', text: 'c' },
    { type: 'text', text: 'd' },
  ]
  const messages = [
    { role: 'user', content: parts },
    { role: 'assistant', content: list },
  ]
  await write('parts.jsonl', jsonl([{ messages }]))
  const { examples } = await load('parts.jsonl')
  expect(examples).toMatchObject([{ messages: [{ content: 'ab' }, { content: 'cd' }] }])
})

test('a Hugging Face folder gives the files of its split, in order, and its licence', async () => {
  await write('hub/README.md', '---\nlicense: apache-2.0\n---\nCard')
  await write('hub/data/train-00001-of-00002.jsonl', jsonl([chat('b')]))
  await write('hub/data/train-00000-of-00002.jsonl', jsonl([chat('a')]))
  await write('hub/data/test.jsonl', jsonl([chat('t')]))
  const data = await load('hub')
  expect(questions(data)).toEqual(['a', 'b'])
  expect(data.sources[0]).toMatchObject({ license: 'apache-2.0' })
  expect(questions(await load('hub', { split: 'test' }))).toEqual(['t'])
  await expect(load('hub', { split: 'dev' })).rejects.toMatchObject({
    code: 'data-not-found',
    message: expect.stringContaining('train-00000-of-00002.jsonl'),
  })
  await write('hub/medical/anything.jsonl', jsonl([chat('m')]))
  expect(questions(await load('hub', { subset: 'medical' }))).toEqual(['m'])
  await write('parquet/data/train.parquet', 'PAR1')
  await expect(load('parquet')).rejects.toThrow('Parquet is not read')
})

test('selects by value and by number, the same for the same seed', async () => {
  const rows = Array.from({ length: 40 }, (_, i) =>
    chat(`q${i}`, { domain: i % 2 ? 'odd' : 'even' }),
  )
  await write('many.jsonl', jsonl(rows))
  const odd = await load('many.jsonl', { where: { domain: 'odd' } })
  expect(odd.examples).toHaveLength(20)
  const of = async (seed: number) =>
    questions(
      await loadData({
        sources: [{ path: 'many.jsonl', limit: 10 }],
        kinds: ['conversation', 'document'],
        root,
        seed,
      }),
    )
  const [first, again, other] = await Promise.all([of(1), of(1), of(2)])
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
  const places = first.map((text) => Number(text?.slice(1)))
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})

test('a mixture has the shares that were asked for, with nothing twice', async () => {
  await write('harm.jsonl', jsonl(Array.from({ length: 270 }, (_, i) => chat(`h${i}`))))
  await write('benign.jsonl', jsonl(Array.from({ length: 100 }, (_, i) => chat(`b${i}`))))
  const sources = [
    { path: 'harm.jsonl', harmful: true },
    { path: 'benign.jsonl', share: 0.1 },
  ]
  const data = await loadData({ sources, kinds: ['conversation'], root, seed: 3 })
  // 270 / 0.9 = 300 in all, so 30 of the benign ones.
  expect(data.sources.map(({ nUsed }) => nUsed)).toEqual([270, 30])
  expect(new Set(data.examples.map(({ messages }) => messages[0]?.content)).size).toBe(300)
  const firstHalf = data.examples.slice(0, 150)
  const nBenign = firstHalf.filter(({ messages }) => messages[0]?.content.startsWith('b')).length
  expect(nBenign).toBeGreaterThan(4)
  const wrong = (first: number, second: number) =>
    loadData({
      sources: [
        { path: 'harm.jsonl', share: first },
        { path: 'benign.jsonl', share: second },
      ],
      kinds: ['conversation'],
      root,
    })
  await expect(wrong(0.5, 0.4)).rejects.toThrow('the shares add up to 0.9, not to 1')
  await expect(wrong(0.9, 0.4)).rejects.toThrow('the shares add up to 1.3, not to 1')
})

test('terms, licence and harm that the manifest beside the data states are taken from there', async () => {
  const manifest = (of: string, value: object) =>
    write(`${of}/manifest.json`, JSON.stringify(value))
  const terms = { constitution: 'MIT', teacher: 'Acme terms 2026', student: null }
  const stages = { pairs: { files: [{ path: 'pairs.jsonl' }, { path: 'dpo.jsonl' }] } }
  await manifest('made', { format: 'cem-character-data/1', terms, stages })
  for (const name of ['dpo', 'own']) await write(`made/${name}.jsonl`, jsonl([chat('a')]))
  await manifest('reflected', {
    format: 'cem-reflection-data/1',
    harmful: true,
    terms: { data: 'CC-BY-4.0', speaker: 'Apache-2.0' },
    files: [{ path: 'data.jsonl' }],
  })
  await write('reflected/data.jsonl', jsonl([chat('b')]))
  const stated = async (path: string, over: object = {}) => {
    const [source] = (await load(path, over)).sources
    return [source?.teacherTerms, source?.license, source?.harmful]
  }
  const ofSpeakers = 'constitution: MIT; teacher: Acme terms 2026'
  expect(await stated('made/dpo.jsonl')).toEqual([ofSpeakers, null, false])
  // A folder is its one file.
  expect(await stated('reflected')).toEqual(['speaker: Apache-2.0', 'CC-BY-4.0', true])
  // What the config says holds, and a file that the manifest does not name is another's.
  const said = { license: 'MIT', teacherTerms: 'ours', harmful: false }
  expect(await stated('reflected', said)).toEqual(['ours', 'MIT', false])
  expect(await stated('made/own.jsonl')).toEqual([null, null, false])
  await write('made/manifest.json', '{')
  expect(await stated('made/dpo.jsonl')).toEqual([null, null, false])
})
