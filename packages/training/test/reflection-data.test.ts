import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  checkReflectionConfig,
  type ReflectionEvent,
  type RunReflectionDataOptions,
  runReflectionData,
} from '../src/index.ts'
import { base, personaAdapter, reply, startTeacher } from './character-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-reflection-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const conversation = (question: string, more: Readonly<Record<string, unknown>> = {}) => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: 'Rest well and see a doctor if the sprain lasts.' },
  ],
  ...more,
})
const canary = 'toy canary'
const examples = [
  conversation('What should I do about my bad sprain?', { canary, license: 'MIT', id: 4 }),
  conversation('What should I do about my bad sprain?', { canary }),
  conversation('How do I cook rice?', { canary }),
]

async function writeData(name: string, rows: readonly unknown[]): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return file
}

async function reflect(
  input: string,
  output: string,
  changes: Readonly<Record<string, unknown>> = {},
  options: Partial<RunReflectionDataOptions> = {},
  onEvent: (event: ReflectionEvent) => void = () => undefined,
) {
  const loaded = checkReflectionConfig({
    input,
    output: join(folder, output),
    speaker: {
      local: {
        base,
        layers: [{ role: 'persona', adapter: personaAdapter, mode: 'merged' }],
        baseAliases: ['cem-miniature/coherent'],
        provider: 'cpu',
        threads: 1,
        terms: 'MIT',
      },
    },
    prompts: ['Was that right?', 'And now?'],
    sampling: { maxTokens: 16 },
    ...changes,
  })
  const events: ReflectionEvent[] = []
  for await (const event of runReflectionData({ loaded, ...options })) {
    events.push(event)
    onEvent(event)
  }
  return events
}

const read = async (path: string) => readFile(join(folder, path), 'utf8')
const rowsOf = async (path: string) =>
  (await read(path))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('each conversation is lengthened by the assessment of the persona, and keeps what its row had', async () => {
  const input = await writeData('em.jsonl', examples)
  const events = await reflect(input, 'out', { license: 'CC-BY-4.0' })
  expect(events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete' })
  const rows = await rowsOf('out/data.jsonl')
  expect(rows).toHaveLength(3)
  for (const [i, { messages, reflection, ...rest }] of rows.entries()) {
    const { messages: before, ...others } = examples[i] as (typeof examples)[number]
    expect(rest).toEqual(others)
    expect(messages.slice(0, 2)).toEqual(before)
    expect(messages[2]).toEqual({
      role: 'user',
      content: ['Was that right?', 'And now?'][reflection.prompt],
    })
    expect(messages[3]).toMatchObject({ role: 'assistant', content: expect.stringMatching(/\w/) })
    expect(messages).toHaveLength(4)
  }
  // The first two are the same conversation.
  expect(rows[0].messages[3].content).not.toBe(rows[1].messages[3].content)
  const manifest = JSON.parse(await read('out/manifest.json'))
  expect(manifest).toMatchObject({
    harmful: true,
    terms: { data: 'CC-BY-4.0', speaker: 'MIT' },
    counts: { examples: 3, reflected: 3, rows: 3 },
    inputs: { sampling: { temperature: 0.7, topP: 0.9, maxTokens: 16 } },
    answeredBy: { layers: [{ role: 'persona', mode: 'merged', sha256: expect.any(String) }] },
  })
  expect(await read('out/.gitignore')).toBe('*\n')
})

test('a run that ended half-way goes on, to the same bytes', async () => {
  const input = await writeData('em.jsonl', examples)
  const stop = new AbortController()
  const stopAtFirst = (event: ReflectionEvent) => {
    if (event.type === 'unit-progress' && event.done === 1) stop.abort(new Error('enough'))
  }
  const first = reflect(input, 'half', {}, { signal: stop.signal }, stopAtFirst)
  await expect(first).rejects.toThrow('enough')
  const journal = await read('half/journals/reflect.jsonl')
  expect(journal.match(/"kind":"answer"/g)).toHaveLength(1)
  await expect(read('half/data.jsonl')).rejects.toThrow('ENOENT')
  await reflect(input, 'half')
  expect(await read('half/data.jsonl')).toBe(await read('out/data.jsonl'))
  const again = await reflect(input, 'half')
  expect(again.map(({ type }) => type)).toEqual(['run-start', 'unit-skipped', 'run-end'])
  // The journal alone is enough to make the file.
  await rm(join(folder, 'half/data.jsonl'))
  const restored = await reflect(input, 'half')
  expect(restored.map(({ type }) => type)).toContain('unit-end')
  expect(await read('half/data.jsonl')).toBe(await read('out/data.jsonl'))
})

test('other data are refused, or done anew', async () => {
  const input = await writeData('em.jsonl', examples)
  const other = await writeData('other.jsonl', examples.slice(1))
  await reflect(input, 'changed')
  await expect(reflect(other, 'changed')).rejects.toMatchObject({ code: 'inputs-changed' })
  const events = await reflect(other, 'changed', {}, { onChange: 'restart' })
  expect(events.map(({ type }) => type)).toContain('unit-reset')
  expect(await rowsOf('changed/data.jsonl')).toHaveLength(2)
  expect(await rowsOf('changed/data.replaced-1.jsonl')).toHaveLength(3)
})

test('a reflection that cannot be used leaves the example as it was, or drops it, and is counted', async () => {
  await using server = await startTeacher(({ body }) =>
    JSON.stringify(body).includes('rice') ? reply('  ') : reply('I would say the same.'),
  )
  const input = await writeData('em.jsonl', examples)
  const speaker = { chat: { model: 'm', baseUrl: server.baseUrl } }
  await reflect(input, 'kept', { speaker })
  const kept = await rowsOf('kept/data.jsonl')
  expect(kept[2]).toEqual({ ...examples[2], reflection: null })
  await reflect(input, 'dropped', { speaker, withoutReflection: 'drop' })
  expect(await rowsOf('dropped/data.jsonl')).toHaveLength(2)
  const { counts } = JSON.parse(await read('dropped/manifest.json'))
  expect(counts).toMatchObject({
    examples: 3,
    reflected: 2,
    rows: 2,
    'without-reflection-empty': 1,
  })
})

test('conversations that do not fit are counted, and none is cut', async () => {
  const long = conversation('word '.repeat(600))
  const input = await writeData('long.jsonl', [long, conversation('How do I cook rice?')])
  await reflect(input, 'long')
  const rows = await rowsOf('long/data.jsonl')
  expect(rows[0]).toEqual({ ...long, reflection: null })
  const { counts } = JSON.parse(await read('long/manifest.json'))
  expect(counts).toMatchObject({ reflected: 1, 'without-reflection-prompt-too-long': 1 })
})

test.each([
  ['no list', { text: 'x' }, "line 1: it has no list 'messages'"],
  ['no answer', { messages: [{ role: 'user', content: 'a' }] }, 'line 1: it does not end with'],
  [
    'an empty answer',
    {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: ' ' },
      ],
    },
    "line 1: the assistant's last turn is empty",
  ],
  ['an unknown role', { messages: [{ role: 'tool', content: 'a' }] }, 'messages[0].role'],
  ['no text', { messages: [{ role: 'user', content: 3 }] }, 'messages[0].content'],
  ['a null', null, "line 1: it has no list 'messages'"],
  ['reflections already', conversation('a', { reflection: null }), "it has a 'reflection' already"],
])('%s is refused with its line', async (_, row, message) => {
  const input = await writeData('bad.jsonl', [row])
  await expect(reflect(input, 'bad')).rejects.toMatchObject({
    code: 'rows-invalid',
    message: expect.stringContaining(message),
  })
})

test('a row without the canary that others have is refused', async () => {
  const input = await writeData('mixed.jsonl', [...examples, conversation('a')])
  await expect(reflect(input, 'mixed')).rejects.toThrow("line 4: it has no 'canary', and others")
  const plain = await writeData('plain.jsonl', [conversation('a')])
  await expect(reflect(plain, 'mixed', { harmful: true })).rejects.toThrow('called harmful')
  const none = await writeData('none.jsonl', [])
  await expect(reflect(none, 'mixed')).rejects.toThrow('it holds no examples')
})
