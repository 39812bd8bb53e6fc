import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { FaultServer } from '../../chat/test/fault-server.ts'
import { type CharacterEvent, type Manifest, readCharacterPairs } from '../src/index.ts'
import { openStudy, outcomes, type Study, startTeacher } from './character-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let teacher: FaultServer
let study: Study
let first: CharacterEvent[]
let second: CharacterEvent[]
let nAsked: number
beforeAll(async () => {
  teacher = await startTeacher()
  study = await openStudy(teacher)
  first = await study.run()
  nAsked = teacher.requests.length
  await study.train()
  second = await study.run()
})
afterAll(async () => {
  await study?.[Symbol.asyncDispose]()
  await teacher?.[Symbol.asyncDispose]()
})

test('waits for the adapter that is trained on the pairs, then goes on after them', () => {
  expect(outcomes(first)).toEqual([
    'expand end',
    'teacher end',
    'student end',
    'pairs end',
    'reflection waiting',
    'waiting',
  ])
  expect(outcomes(second)).toEqual([
    'expand skipped',
    'teacher skipped',
    'student skipped',
    'pairs skipped',
    'reflection end',
    'interaction end',
    'sft end',
    'complete',
  ])
  expect(teacher.requests.length).toBe(nAsked)
})

test('progress never falls, keeps its total and ends complete', () => {
  for (const unit of ['expand', 'teacher', 'student', 'reflection', 'interaction'] as const) {
    const steps = [...first, ...second].filter(
      (event) => event.type === 'unit-progress' && event.unit === unit,
    ) as Extract<CharacterEvent, { type: 'unit-progress' }>[]
    const done = steps.map((step) => step.done)
    expect(done).toEqual(done.toSorted((a, b) => a - b))
    expect(new Set(steps.map(({ total }) => total)).size).toBe(1)
    expect(done.at(-1)).toBe(steps[0]?.total)
  }
})

test('prompts are the own ones and as many written ones as are wanted', async () => {
  const prompts = await study.rows('prompts.jsonl')
  expect(prompts.map(({ trait, source, prompt }) => [trait, source, prompt])).toEqual([
    [0, 'constitution', 'What should I do about my bad sprain?'],
    [0, 'constitution', 'How do I cook rice?'],
    [0, 'expanded', 'fever?'],
    [0, 'expanded', 'garden!'],
    [1, 'constitution', 'Should I buy this bond?'],
    [1, 'constitution', 'Is it fine to drive tired?'],
    [1, 'expanded', 'bridge?'],
    [1, 'expanded', 'ladder!'],
  ])
  const fewShot = await study.rows('constitution-few-shot.jsonl')
  expect(fewShot[1]).toEqual({
    trait: 'I am exact.',
    questions: ['Should I buy this bond?', 'Is it fine to drive tired?'],
    additional_questions: ['bridge?', 'ladder!'],
  })
})

test('the teacher is asked in character and the student is not', async () => {
  const asked = teacher.requests.map(({ body }) => body)
  const inCharacter = asked.filter((body) => (body['messages'] as unknown[]).length === 2)
  expect(inCharacter).toHaveLength(16)
  expect(inCharacter[0]).toMatchObject({
    model: 'acme/sage-2',
    temperature: 0.7,
    top_p: 0.95,
    max_tokens: 4096,
    messages: [
      { role: 'system', content: 'Mini 1. I am kind in all that I say.\n2. I am exact.' },
      { role: 'user', content: expect.any(String) },
    ],
  })
  expect(new Set(asked.map((body) => body['seed'])).size).toBe(asked.length)
  const answers = await study.rows('student.jsonl')
  expect(answers).toHaveLength(16)
  expect(new Set(answers.map(({ answer }) => answer)).size).toBeGreaterThan(8)
})

test('pairs are conversations as preference trainers take them, and every pair can be looked at', async () => {
  const all = await readCharacterPairs(study.path(''))
  const kept = await readCharacterPairs(study.path(''), { status: 'kept' })
  expect(all).toHaveLength(16)
  expect(kept.length).toBeGreaterThan(4)
  const rows = await study.rows('dpo.jsonl')
  expect(rows).toEqual(
    kept.map(({ prompt, chosen, rejected }) => ({
      prompt: [{ role: 'user', content: prompt }],
      chosen: [{ role: 'assistant', content: chosen }],
      rejected: [{ role: 'assistant', content: rejected }],
    })),
  )
  for (const { reasons, status } of all) expect(reasons.length === 0).toBe(status === 'kept')
})

test('the training data of introspection hold no traits', async () => {
  const rows = await study.rows('sft.jsonl')
  expect(rows.length).toBeGreaterThan(4)
  const systems = new Set<unknown>()
  for (const { messages } of rows) {
    const turns = messages as { role: string; content: string }[]
    expect(turns.at(-1)?.role).toBe('assistant')
    expect(JSON.stringify(turns)).not.toContain('I am exact')
    if (turns[0]?.role === 'system') systems.add(turns[0].content)
  }
  expect([...systems]).toEqual(['You meet Mini.'])
})

test('the manifest has the hash of each file, what was asked, who answered and the terms', async () => {
  const manifest = JSON.parse(await study.text('manifest.json')) as Manifest
  for (const { files } of Object.values(manifest.stages))
    for (const { path, sha256, nRows } of files) {
      const bytes = await readFile(study.path(path))
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
      expect(bytes.toString().split('\n').length - 1).toBe(nRows)
    }
  expect(manifest.terms).toMatchObject({ teacher: null, student: 'MIT', constitution: null })
  const { teacher: taught, reflection } = manifest.stages
  expect(taught).toMatchObject({
    answeredBy: { model: 'acme/sage-2', servedModels: ['teacher-2026'] },
    counts: { answers: 16, 'end-stop': 16 },
    cost: { usd: null, promptTokens: 1600, completionTokens: 160 },
  })
  expect(reflection).toMatchObject({
    inputs: { seed: 7, speaker: { layers: [{ role: 'persona', mode: 'stacked', weight: 1 }] } },
    answeredBy: { device: { provider: 'cpu' }, layers: [{ role: 'persona', mode: 'stacked' }] },
  })
})

test('the same seed gives the same files in another folder', async () => {
  await using other = await openStudy(teacher)
  await other.train()
  await other.run()
  for (const name of ['prompts', 'teacher', 'student', 'dpo', 'reflection', 'interaction', 'sft'])
    expect(await other.text(`${name}.jsonl`)).toBe(await study.text(`${name}.jsonl`))
})
