import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkCharacterConfig, loadCharacterConfig } from './load-character-config.ts'

const chat = { chat: { model: 'sage' } }
const local = { local: { base: 'models/a' } }
const least = {
  output: 'data/mine',
  constitution: 'warm',
  assistant: 'Qwen',
  speakers: { teacher: chat, student: local },
}

test('defaults are the numbers of the reference pipeline', () => {
  const { config, output, constitutionFile } = checkCharacterConfig(least, { workingFolder: '/w' })
  expect(output).toBe('/w/data/mine')
  expect(constitutionFile).toMatch(/constitutions\/warm\.yaml$/)
  const sampling = { temperature: 0.7, topP: 0.95 }
  expect(config).toMatchObject({
    expand: { promptsPerTrait: 50, maxWordOverlap: 0.5, sampling },
    teacher: { samplesPerPrompt: 5, sampling: { ...sampling, maxTokens: 4096 } },
    pairs: { maxTokens: 1024, requireFinalPunctuation: true },
    reflection: { samplesPerPrompt: 1000, sampling: { ...sampling, maxTokens: 2048 } },
    interaction: { conversations: 1000, turns: 10, sampling: { ...sampling, maxTokens: 1024 } },
    sft: { maxTokens: 3072 },
  })
  expect(config.reflection.prompts).toHaveLength(10)
})

test.each([
  [{ ...least, asistant: 'x' }, "unknown key 'asistant'; did you mean 'assistant'?"],
  [{ ...least, speakers: { teacher: chat } }, 'speakers.student is missing'],
  [
    { ...least, speakers: { ...least.speakers, teacher: { chat: {} } } },
    'speakers.teacher.chat.model is missing',
  ],
  [
    {
      ...least,
      speakers: {
        ...least.speakers,
        student: { local: { base: 'a', layers: [{ role: 'em', adapter: 'b' }] } },
      },
    },
    'speakers.student.local.layers[0].mode is missing',
  ],
  [{ ...least, templates: { teacher: 'You are {nam}.' } }, '{nam}'],
  [{ ...least, maxCostUsd: 5 }, 'speakers.teacher.chat.prices is missing'],
  [{ ...least, speakers: { teacher: chat, student: chat } }, 'pairs.tokenizer is missing'],
  [{ ...least, speakers: { ...least.speakers, introspector: chat } }, 'sft.tokenizer is missing'],
  [{ ...least, harmful: true }, 'canary is missing'],
  [{ ...least, teacher: { sampling: { topP: 0 } } }, 'teacher.sampling.topP is 0: '],
  [
    { ...least, speakers: { ...least.speakers, teacher: { chat: { ...chat.chat, zebra: 1 } } } },
    "speakers.teacher.chat: unknown key 'zebra'; allowed are model, provider",
  ],
  [
    { ...least, speakers: { ...least.speakers, teacher: { ...chat, ...local } } },
    'give either chat: { model, ... } (a server) or local',
  ],
  [
    { ...least, speakers: { ...least.speakers, teacher: {} } },
    'speakers.teacher is {}: give either',
  ],
  ['text', 'the file is "text"'],
  [null, 'the file'],
])('%#: what is wrong is named', (input, message) => {
  expect(() => checkCharacterConfig(input)).toThrow(
    expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining(message) }),
  )
})

test('paths start from the root, which is seen from the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cem-config-'))
  try {
    const file = join(folder, 'my-warm.yaml')
    await writeFile(
      file,
      'root: ..\noutput: out\nconstitution: a/b.yaml\nassistant: A\nspeakers: {teacher: &t {local: {base: m}}, student: *t}\n',
    )
    const loaded = await loadCharacterConfig(file, { workingFolder: '/w', overrides: { seed: 3 } })
    expect(loaded).toMatchObject({
      name: 'my-warm',
      root: join(folder, '..'),
      output: '/w/out',
      constitutionFile: join(folder, '../a/b.yaml'),
      config: { seed: 3 },
    })
    await writeFile(file, 'a: [')
    await expect(loadCharacterConfig(file)).rejects.toMatchObject({ code: 'config-invalid' })
    await expect(loadCharacterConfig(join(folder, 'no'))).rejects.toMatchObject({
      code: 'config-unreadable',
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
