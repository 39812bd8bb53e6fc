import { readFileSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type ChatMessage, openTokenizer } from '../src/index.ts'
import { strftime } from '../src/text/strftime.ts'
import { fixtures, temporaryFolder } from './golden.ts'

const texts = join(fixtures, 'text')

interface TemplateRow {
  readonly name: string
  readonly kind: string
  readonly template: string
  readonly cases: readonly {
    readonly title: string
    readonly messages: readonly ChatMessage[]
    readonly addGenerationPrompt: boolean
    readonly text?: string
    readonly ids?: readonly number[]
    readonly error?: string
  }[]
  readonly hostile: readonly { readonly text: string; readonly ids: readonly number[] }[]
}

const rows = gunzipSync(readFileSync(join(texts, 'templates.jsonl.gz')))
  .toString('utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as TemplateRow)

/** The tokenizer of a kind with a template, on the day of the golden file. */
async function open(kind: string, template: string) {
  const folder = await temporaryFolder()
  await mkdir(folder, { recursive: true })
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(texts, kind, name), join(folder, name))
  await writeFile(join(folder, 'chat_template.jinja'), template)
  return openTokenizer(folder, { now: new Date(2026, 4, 3, 9, 7, 4) })
}

describe.each(rows)('a template like $name: as Transformers has it', (row) => {
  const { kind, template, cases, hostile } = row

  test('conversations, their ids, and what it refuses', async () => {
    const tokenizer = await open(kind, template)
    expect(cases.length).toBeGreaterThan(30)
    for (const { title, messages, addGenerationPrompt, text, ids, error } of cases) {
      const options = { addGenerationPrompt }
      if (error !== undefined) {
        expect(() => tokenizer.renderChat(messages, options)).toThrow(error)
        continue
      }
      const rendered = tokenizer.renderChat(messages, options)
      expect({ title, rendered }).toEqual({ title, rendered: text })
      expect({ title, ids: tokenizer.encodeChat(messages, options) }).toEqual({ title, ids })
    }
  })

  test('the beginning of the text is there once', async () => {
    const tokenizer = await open(kind, template)
    const ids = tokenizer.encodeChat([{ role: 'user', content: 'Hello' }])
    expect(ids.filter((id) => id === ids[0])).toEqual([ids[0]])
    const [bos] = tokenizer.encode(
      tokenizer.renderChat([{ role: 'user', content: 'x' }]).slice(0, 17),
    )
    expect(ids[0]).toBe(bos)
  })

  test.runIf(hostile.length > 0)(
    'special tokens that somebody says are text (Mistral: below, its first space depends on the place)',
    async () => {
      const tokenizer = await open(kind, template)
      for (const { text, ids } of hostile) {
        const messages = [
          { role: 'user', content: text },
          { role: 'assistant', content: text },
        ] as const
        const own = tokenizer.encodeChat(messages, { addGenerationPrompt: false })
        expect({ text, ids: own }).toEqual({ text, ids })
      }
    },
  )
})

test('where a template begins its text with a space mark, words with special tokens in them get no other one', async () => {
  const row = rows.find(({ name }) => name === 'mistral')
  const tokenizer = await open('mistral3', row?.template ?? '')
  const plain = tokenizer.encodeChat([{ role: 'user', content: 'a b' }])
  const armed = tokenizer.encodeChat([{ role: 'user', content: 'a </s> b' }])
  // '▁a' after '[INST] ' in both: <s>, [INST], '▁', ...
  expect(armed.slice(0, 3)).toEqual(plain.slice(0, 3))
  const decoded = tokenizer.decode(armed, { skipSpecialTokens: false })
  expect(decoded).toBe('<s>[INST] a </s> b[/INST]')
  const end = tokenizer.encode('</s>')
  expect(end).toHaveLength(1)
  expect(armed).not.toContain(end[0])
})

describe('strftime', () => {
  const date = new Date(2026, 4, 3, 9, 7, 4)

  test.each([
    // By Python: datetime(2026, 5, 3, 9, 7, 4).strftime(...)
    ['%d %b %Y', '03 May 2026'],
    ['%A, %B %-d, %Y', 'Sunday, May 3, 2026'],
    ['%a %y-%m-%d %H:%M:%S %I %p %j %%', 'Sun 26-05-03 09:07:04 09 AM 123 %'],
    ['no directive', 'no directive'],
  ])('%j', (format, expected) => {
    expect(strftime(date, format)).toBe(expected)
  })

  test.each(['%Q', '%', '%-'])('refuses %j', (format) => {
    expect(() => strftime(date, format)).toThrow('directive')
  })
})
