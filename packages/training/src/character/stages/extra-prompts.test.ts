import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readExtraPrompts } from './extra-prompts.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-prompts-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the first user turn is found in the layouts of general prompt sets', async () => {
  const file = join(folder, 'good.jsonl')
  const rows = [
    { prompt: ' A? ' },
    { prompt: [{ role: 'user', content: 'B?' }] },
    {
      messages: [
        { role: 'system', content: 'S' },
        { role: 'user', content: 'C?' },
      ],
    },
    { conversations: ['D?', 'an answer'] },
    { conversations: [{ from: 'human', value: 'E?' }] },
  ]
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  expect((await readExtraPrompts(file)).prompts).toEqual(['A?', 'B?', 'C?', 'D?', 'E?'])
})

test('lines without one are named', async () => {
  const file = join(folder, 'bad.jsonl')
  await writeFile(file, '{"prompt":"A?"}\n{"text":"B?"}\n\n[1]\nnull\n{"messages":[null]}\n')
  await expect(readExtraPrompts(file)).rejects.toMatchObject({
    code: 'rows-invalid',
    data: { problems: [2, 4, 5, 6].map((line) => expect.stringContaining(`line ${line} has no`)) },
  })
  await writeFile(file, '{"prompt":"A?"}\n{"prompt"')
  await expect(readExtraPrompts(file)).rejects.toThrow('line 2 is no JSON')
  await expect(readExtraPrompts(join(folder, 'none'))).rejects.toMatchObject({
    code: 'rows-unreadable',
  })
})
