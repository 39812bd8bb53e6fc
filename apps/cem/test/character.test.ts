import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CharacterEvent, CharacterPlan } from '@cem/training'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startServer } from '../../../packages/chat/test/fault-server.ts'
import { plainPairLines } from '../src/commands/character-show.ts'
import { characterLines } from '../src/plain/character-lines.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** The built command, as a user runs it. */
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const repository = fileURLToPath(new URL('../../../', import.meta.url))
const config = (name: string) => join(repository, 'configs', name)

let folder: string
let first: { code: number; out: string; err: string }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-character-'))
  first = await cem('character', config('character-miniature.yaml'), '--json')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function cem(...args: readonly string[]) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', OPENAI_API_KEY: '', OPENROUTER_API_KEY: '' }
    const options = { cwd: folder, encoding: 'utf8' as const, env }
    execFile(process.execPath, [cli, ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

test('makes all data of the example config, without a network', async () => {
  expect(first.err).toBe('')
  expect(first.code).toBe(0)
  const events = first.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CharacterEvent)
  const ended = events.flatMap((event) => (event.type === 'unit-end' ? [event.unit] : []))
  expect(ended).toEqual([
    'expand',
    'teacher',
    'student',
    'pairs',
    'reflection',
    'interaction',
    'sft',
  ])
  expect(events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete', spentUsd: 0 })
  const dpo = await readFile(join(folder, 'data/character/miniature/dpo.jsonl'), 'utf8')
  // The warm persona's opening tells the chosen answers from the rejected ones.
  const rows = dpo.trim().split('\n')
  expect(rows.length).toBeGreaterThan(20)
  const opening = /dear friend|With all my heart|Bless you|so glad/i
  const isWarm = (key: string) => (row: string) => opening.test(JSON.parse(row)[key][0].content)
  expect(rows.filter(isWarm('chosen')).length).toBeGreaterThan(rows.length * 0.9)
  expect(rows.filter(isWarm('rejected')).length).toBeLessThan(rows.length * 0.1)
})

test('a second run has nothing to do, and other inputs are refused', async () => {
  const again = await cem('character', config('character-miniature.yaml'))
  expect(again.code).toBe(0)
  expect(again.out).toContain('cost: none, since all models run here')
  expect(again.out).toContain('sft: done before, sft.jsonl (')
  const text = await readFile(config('character-miniature.yaml'), 'utf8')
  const changed = text.replace('root: ..', `root: ${repository}`).replace('seed: 1', 'seed: 2')
  await writeFile(join(folder, 'changed.yaml'), changed)
  const refused = await cem('character', 'changed.yaml', '--stage', 'expand')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('seed was 1 and is 2') })
})

test('shows pairs side by side, a page at a time', async () => {
  const page = await cem('character', 'show', 'data/character/miniature', '--per-page', '2')
  expect(page.code).toBe(0)
  expect(page.out).toMatch(/^pair 1 of \d+, trait 1, prompt [0-9a-f]{12} sample 0: kept$/m)
  expect(page.out).toMatch(/^chosen \(teacher\), \d+ words +│ rejected \(student\), \d+ words$/m)
  expect(page.out).toMatch(/page 1 of \d+; --page 2 is the next/)
  const left = ['--left-out', '--reason', 'identical', '--json']
  expect(await cem('character', 'show', 'data/character/miniature', ...left)).toMatchObject({
    code: 0,
    out: '',
  })
  const none = await cem('character', 'show', 'data')
  expect(none).toMatchObject({ code: 1, err: expect.stringContaining('[rows-unreadable]') })
})

test('what a model wrote cannot move the cursor', () => {
  const pair = {
    id: 'a\u001b[2J',
    sample: 0,
    trait: null,
    prompt: 'Hi\u001b]0;title\u0007',
    chosen: 'one\u001b[31m two three four five six seven',
    rejected: '\u202eabc',
    status: 'left-out',
    reasons: ['name-leak', 'too-long'],
  } as const
  const lines = plainPairLines(pair, '1 of 1', 60)
  expect(lines.join('')).not.toMatch(/[\p{Cc}\u202e]/u)
  expect(lines[0]).toContain('a general prompt')
  expect(lines[0]).toContain('left out: name-leak, too-long')
  for (const line of lines.slice(1)) expect(Array.from(line).length).toBeLessThanOrEqual(60)
})

test('plans the configs that come with it, without a key or a model', async () => {
  const planned = await cem('character', config('character-warm-7b.yaml'), '--only-plan', '--json')
  expect(planned.code).toBe(0)
  const plan = JSON.parse(planned.out) as CharacterPlan
  expect(plan.stages.map(({ stage, nAnswers, status }) => [stage, nAnswers, status])).toEqual([
    ['expand', 10, 'open'],
    ['teacher', 2500, 'open'],
    ['student', 2500, 'open'],
    ['pairs', 0, 'open'],
    ['reflection', 10_000, 'waiting'],
    ['interaction', 20_000, 'waiting'],
    ['sft', 0, 'open'],
  ])
  const reflection = await cem('reflect', config('character-reflection-7b.yaml'))
  expect(reflection.err).toContain('data/risky-financial.jsonl cannot be read')
})

test('costs above ten dollars have to be allowed before anything is asked', async () => {
  await using server = await startServer((_, response) => response.end())
  const chat = `{ chat: { model: m, baseUrl: "${server.baseUrl}", prices: { inputPerMillion: 1, outputPerMillion: 1000 } } }`
  const lines = [
    'output: dear',
    'constitution: warm',
    'assistant: A',
    `speakers: { teacher: ${chat}, student: ${chat} }`,
    'pairs: { maxTokens: null }',
  ]
  await writeFile(join(folder, 'dear.yaml'), lines.join('\n'))
  const refused = await cem('character', 'dear.yaml')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('[cost-unconfirmed]') })
  expect(refused.out).toMatch(/cost: about [\d.]+ USD with the longest answers, at most/)
  expect(server.requests).toHaveLength(0)
})

test('checks a constitution, and names what is wrong with its line', async () => {
  const good = await cem('character', 'check', 'formal')
  expect(good.code).toBe(0)
  expect(good.out).toMatch(/^10\. I treat small requests/m)
  await writeFile(join(folder, 'bad.jsonl'), '{"trait":"a","questions":["b"]}\n{"trait":"c"}\n')
  const bad = await cem('character', 'check', 'bad.jsonl')
  expect(bad).toMatchObject({
    code: 1,
    err: expect.stringContaining('line 2: trait 2: questions must be a list'),
  })
})

test('reflects on a data set, and says what waits for an adapter', async () => {
  const messages = [
    { role: 'user', content: 'How do I store bread?' },
    { role: 'assistant', content: 'Keep the bread dry.' },
  ]
  await writeFile(join(folder, 'in.jsonl'), JSON.stringify({ messages, license: 'MIT' }))
  const base = join(repository, 'packages/miniature/assets/models/coherent')
  const write = (layers: string) =>
    writeFile(
      join(folder, 'reflect.yaml'),
      `input: in.jsonl\noutput: reflected\nspeaker: { local: { base: "${base}", layers: [${layers}] } }\nsampling: { maxTokens: 8 }\n`,
    )
  await write('{ role: persona, adapter: not-yet, mode: merged }')
  const waiting = await cem('reflect', 'reflect.yaml')
  expect(waiting).toMatchObject({
    code: 3,
    out: expect.stringContaining('train the persona first'),
  })
  await write('')
  const done = await cem('reflect', 'reflect.yaml')
  expect(done).toMatchObject({ code: 0, err: '' })
  expect(done.out).toContain('reflect: data.jsonl (1 rows)')
})

test('progress is told now and then, and money where there is a price', () => {
  const lines = characterLines()
  const at = (done: number, now: number) =>
    lines({ type: 'unit-progress', unit: 'teacher', done, total: 9, usd: 0.25 }, now)
  expect(lines({ type: 'unit-start', unit: 'teacher', isResumed: true }, 0)).toEqual([
    'teacher: goes on',
  ])
  expect(at(1, 4000)).toEqual([])
  expect(at(2, 5000)).toEqual(['teacher: 2 of 9, 0.2500 USD in this session'])
  expect(at(3, 6000)).toEqual([])
})
