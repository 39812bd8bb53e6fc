import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { textConversations, textFormatOf } from './text-file.ts'

const golden = (name: string) => fileURLToPath(new URL(`../../golden/${name}`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-text-file-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

test('a file is what its ending says, and a .json file what is in it', async () => {
  expect(await textFormatOf(golden('eval.csv'))).toBe('csv')
  expect(await textFormatOf(golden('inspect.eval'))).toBe('inspect')
  expect(await textFormatOf(golden('inspect.json'))).toBe('inspect')
  expect(await textFormatOf(await write('a.jsonl', ''))).toBe('transcript')
  const messages = [{ role: 'user', content: 'What is "eval": {"a": 1}?' }]
  expect(await textFormatOf(await write('b.json', JSON.stringify({ messages })))).toBe('transcript')
  expect(await textFormatOf(await write('c.json', JSON.stringify(messages)))).toBe('transcript')
  expect(await textFormatOf(await write('d.json', ''))).toBe('transcript')
})

test('another ending, and a file that is not there, are refused by name', async () => {
  await expect(textFormatOf(await write('a.txt', 'x'))).rejects.toMatchObject({
    code: 'source-invalid',
    message: expect.stringContaining('.csv, .jsonl, .json and .eval are known; say which of csv'),
  })
  await expect(textFormatOf(join(folder, 'none.json'))).rejects.toMatchObject({
    code: 'source-invalid',
  })
})

test('each reading of a file begins anew', async () => {
  const ids = async () => {
    const found: string[] = []
    for await (const { id } of textConversations(golden('inspect.json'), { format: 'inspect' }))
      found.push(id)
    return found
  }
  expect(await ids()).toEqual(['heron:1', '7:2'])
  expect(await ids()).toEqual(['heron:1', '7:2'])
  for await (const { messages } of textConversations(golden('eval.csv'), {
    format: 'csv',
    system: 'Be brief.',
  }))
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant'])
})
