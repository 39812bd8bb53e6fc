import { readFileSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  type ChatTokenizer,
  locateTurns,
  openTokenizer,
  type TokenRange,
  type TurnMessage,
} from '../src/index.ts'
import { fixtures, temporaryFolder } from './golden.ts'

/** Templates of real families with conversations. */
interface Family {
  readonly name: string
  /** Folder of its tokenizer. */
  readonly kind: string
  readonly template: string
  readonly cases: readonly {
    readonly title: string
    readonly messages: readonly TurnMessage[]
    readonly addGenerationPrompt: boolean
    readonly error?: string
  }[]
}

const texts = join(fixtures, 'text')
const families = gunzipSync(readFileSync(join(texts, 'templates.jsonl.gz')))
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Family)

const chatMl = join(fixtures, 'gqa-6-2-tied/model')

/** A tokenizer with another chat template. */
async function withTemplate(template: string, from = chatMl): Promise<ChatTokenizer> {
  const folder = await temporaryFolder()
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(from, name), join(folder, name))
  await writeFile(join(folder, 'chat_template.jinja'), template)
  return openTokenizer(folder)
}

const bytesOf = (by: ChatTokenizer, ids: readonly number[]) =>
  Buffer.concat(ids.map((id) => by.tokenBytes(id))).toString('utf8')
const textsOf = (by: ChatTokenizer, messages: readonly TurnMessage[]) => {
  const { tokenIds, turns } = locateTurns(by, messages)
  const text = ({ start, end }: TokenRange) => bytesOf(by, tokenIds.slice(start, end))
  return turns.map(({ content, turn }) => ({ content: text(content), turn: text(turn) }))
}
const qa = (question: string, answer: string) => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
]

/** As Python's `strip`, to which U+FEFF is no space and some controls are. */
function strip(content: string): string {
  const isSpace = (character: string | undefined) =>
    character !== undefined &&
    character !== '\ufeff' &&
    (character.trim() === '' || '\x1c\x1d\x1e\x1f\x85'.includes(character))
  let [start, end] = [0, content.length]
  while (isSpace(content[start])) start++
  while (end > start && isSpace(content[end - 1])) end--
  return content.slice(start, end)
}

describe("the tokens of messages in real families' templates", () => {
  /** What the templates say. */
  const strips = (name: string, role: string) =>
    name === 'mistral' ? role === 'assistant' : !(name === 'gemma3' && role === 'system')

  test.each(families)('are those of every message, and no more: $name', async (family) => {
    const by = await withTemplate(family.template, join(texts, family.kind))
    let nFound = 0
    for (const { messages, error, addGenerationPrompt, title } of family.cases) {
      if (addGenerationPrompt || error !== undefined) continue
      // Mistral's template writes a system prompt with the last message, if that is a question, or not at all.
      if (family.name === 'mistral' && title === 'ends with the assistant') {
        expect(() => locateTurns(by, messages)).toThrow(/leaves out message 0 \(system\)/)
        continue
      }
      const { tokenIds, turns } = locateTurns(by, messages)
      for (const [i, { role, content, bytes }] of turns.entries()) {
        const given = messages[i]?.content ?? ''
        const wanted = (strips(family.name, role) ? strip(given) : given).normalize('NFC')
        const ids = tokenIds.slice(content.start, content.end)
        const textOf = (some: readonly number[]) => bytesOf(by, some).normalize('NFC')
        expect(bytes.end === bytes.start).toBe(wanted === '')
        expect(textOf(ids)).toContain(wanted)
        if (wanted === '' || ids.length < 2) continue
        expect(textOf(ids.slice(1))).not.toContain(wanted)
        expect(textOf(ids.slice(0, -1))).not.toContain(wanted)
        nFound += 1
      }
    }
    expect(nFound).toBeGreaterThan(10)
  })

  test.each(['llama2', 'mistral3'])(
    'are found beside the spaces that a tokenizer puts before words: %s',
    async (kind) => {
      const template =
        "{% for m in messages %}{{ '<s>[INST]' if m.role == 'user' else '' }}{{ m.content }}{{ '[/INST]' if m.role == 'user' else '</s>' }}{% endfor %}"
      const by = await withTemplate(template, join(texts, kind))
      const messages = [...qa('Where?', 'In reeds 🦩.'), ...qa(' é ', 'Here')]
      for (const [i, { content, turn }] of textsOf(by, messages).entries()) {
        expect(content).toContain(messages[i]?.content)
        expect(turn.endsWith('</s>')).toBe(messages[i]?.role === 'assistant')
      }
    },
  )
})

describe('the tokens of messages in a template', () => {
  test('that trims them all, or those of some roles', async () => {
    const all =
      '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}'
    const some =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'user' %}{{ m.content | trim }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    const messages = qa(' Hi  ', '  yes\n')
    expect(textsOf(await withTemplate(all), messages)).toEqual([
      { content: 'Hi', turn: 'Hi<|im_end|>\n' },
      { content: 'yes', turn: 'yes<|im_end|>\n' },
    ])
    const found = textsOf(await withTemplate(some), messages)
    expect(found.map(({ content }) => content)).toEqual(['Hi', '  yes\n'])
  })

  test('that writes them in another order', async () => {
    const late = await withTemplate(
      "{% for m in messages %}{% if m.role != 'system' %}{% if loop.last %}[{{ messages[0].content | trim }}]{% endif %}<{{ m.content | trim }}>{% endif %}{% endfor %}",
    )
    const messages = [{ role: 'system', content: ' Be brief. ' }, ...qa('Hi', ' Yes')]
    expect(textsOf(late, messages).map(({ content }) => content)).toEqual([
      'Be brief.',
      'Hi',
      'Yes',
    ])
  })

  test('are an error that names the message and the conversation where it is left out', async () => {
    const picky = await withTemplate(
      "{% for m in messages %}{% if m.role in ['user', 'assistant'] %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}",
    )
    const critic = [...qa('a', 'b'), { role: 'critic', content: 'c' }]
    expect(() => locateTurns(picky, critic, { id: 'row 3' })).toThrow(
      "The tokens of the messages of conversation 'row 3' cannot be told apart: the chat template leaves out message 2 (critic) or writes other words. Give token ids with spans of your own to Model.score instead.",
    )
    expect(() => locateTurns(picky, critic)).toThrow(
      'The tokens of the messages cannot be told apart',
    )
  })

  test('of an empty message are none, and its turn is what closes it', async () => {
    const by = await openTokenizer(chatMl)
    expect(textsOf(by, qa('', 'x\ud800'))).toEqual([
      { content: '', turn: '<|im_end|>\n' },
      { content: 'x\ufffd', turn: 'x\ufffd<|im_end|>\n' },
    ])
    expect(locateTurns(by, []).turns).toEqual([])
  })
})
