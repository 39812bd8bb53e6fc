import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ChatMessage, type ChatTokenizer, openTokenizer } from '../src/index.ts'
import { fixtures, manifest, temporaryFolder } from './golden.ts'

interface TokenizerCase {
  readonly text: string
  readonly ids: readonly number[]
  readonly decoded: string
  readonly decodedSkippingSpecialTokens: string
}
interface ChatCase {
  readonly title: string
  readonly messages: readonly ChatMessage[]
  readonly addGenerationPrompt: boolean
  readonly text?: string
  readonly ids?: readonly number[]
  readonly error?: string
}

const readCases = async <T>(file: string): Promise<T> =>
  JSON.parse(await readFile(join(fixtures, file), 'utf8')) as T

describe.each(manifest.models)('$name: text as Transformers has it', (model) => {
  let tokenizer: ChatTokenizer
  beforeAll(async () => {
    tokenizer = await openTokenizer(join(fixtures, model.folder))
  })

  test.skipIf(model.tokenizerCases === null)(
    'ids and decoded texts (shared cases live with the first model)',
    async () => {
      const file = model.tokenizerCases ?? ''
      const { cases, decodeOnly } = await readCases<{
        cases: TokenizerCase[]
        decodeOnly: TokenizerCase[]
      }>(file)
      expect(cases.length).toBeGreaterThan(50)
      for (const { text, ids } of cases)
        expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids })
      for (const { ids, decoded, decodedSkippingSpecialTokens } of [...cases, ...decodeOnly]) {
        expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded)
        expect(tokenizer.decode(ids)).toBe(decodedSkippingSpecialTokens)
      }
    },
  )

  test.skipIf(model.chatCases === null)(
    'conversations (models without chat cases share a template)',
    async () => {
      const { cases } = await readCases<{ cases: ChatCase[] }>(model.chatCases ?? '')
      expect(cases.length).toBeGreaterThan(10)
      for (const { messages, addGenerationPrompt, text, ids, error } of cases) {
        if (error !== undefined) {
          expect(() => tokenizer.renderChat(messages, { addGenerationPrompt })).toThrow(
            'chat template',
          )
          continue
        }
        expect(tokenizer.renderChat(messages, { addGenerationPrompt })).toBe(text)
        expect(tokenizer.encodeChat(messages, { addGenerationPrompt })).toEqual(ids)
      }
    },
  )

  test('the closing tokens are what stands after an answer in a rendered conversation', () => {
    const turn = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ] as const
    const rendered = tokenizer.encodeChat(turn, { addGenerationPrompt: false })
    const closing = tokenizer.closingTokenIds()
    expect(tokenizer.decode(closing, { skipSpecialTokens: false })).toBe('<|im_end|>\n')
    expect(rendered.slice(-closing.length)).toEqual(closing)
  })
})

test('a model without a template says so when a conversation is rendered, and still encodes text', async () => {
  const folder = await temporaryFolder()
  await mkdir(folder, { recursive: true })
  const source = join(fixtures, 'odd-sizes/model')
  await writeFile(join(folder, 'tokenizer.json'), await readFile(join(source, 'tokenizer.json')))
  const tokenizer = await openTokenizer(folder)
  expect(tokenizer.encode('a b').length).toBeGreaterThan(0)
  expect(() => tokenizer.renderChat([{ role: 'user', content: 'a' }])).toThrow(
    'has no chat template',
  )
})

test.each([
  ['{', 'json-invalid'],
  ['{"model": {"type": "Nonsense"}}', 'tokenizer-invalid'],
])('a broken tokenizer.json (%s) is an error that names it', async (content, code) => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'tokenizer.json'), content)
  await expect(openTokenizer(folder)).rejects.toMatchObject({
    code,
    message: expect.stringContaining('tokenizer.json'),
  })
})
