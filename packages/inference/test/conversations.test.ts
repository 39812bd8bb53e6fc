import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type ChatMessage,
  type ChatTokenizer,
  loadModel,
  type Model,
  openTokenizer,
} from '../src/index.ts'
import { fixtures, layerRequests, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** What Transformers makes of conversations; see packages/miniature/origin/golden/conversations.py. */
interface Golden {
  readonly tokenBytes: {
    readonly byteLevel: readonly string[]
    readonly pieces: readonly string[]
    readonly piecesTokenizer: unknown
  }
  readonly unfinished: readonly (Row & {
    readonly text?: string
    readonly ids?: readonly number[]
    readonly answerIds?: readonly number[]
    readonly error?: string
  })[]
  readonly states: readonly (Row & {
    readonly ids: readonly number[]
    readonly turns: readonly (readonly [number, number])[]
    readonly means: readonly (readonly (readonly number[])[] | null)[]
    readonly closedTurns: readonly (readonly [number, number])[]
    readonly closedMeans: readonly (readonly (readonly number[])[])[]
    readonly conversation: readonly (readonly number[])[]
  })[]
  readonly answers: readonly (Row & {
    readonly adapters: readonly string[]
    readonly promptIds: readonly number[]
    readonly answerIds: readonly number[]
  })[]
}

interface Row {
  readonly model: string
  readonly title: string
  readonly messages: readonly ChatMessage[]
}

const golden = JSON.parse(readFileSync(join(fixtures, 'conversations.json'), 'utf8')) as Golden

const names = ['gqa-6-2-tied', 'gqa-4-1-untied'] as const
let cache: string
const models = new Map<string, Model>()
beforeAll(async () => {
  cache = await temporaryFolder()
  for (const name of names) {
    const base = join(fixtures, modelNamed(name).folder)
    models.set(name, await loadModel({ base, cache }))
  }
})
afterAll(async () => {
  for (const model of models.values()) await model.dispose()
  await rm(cache, { recursive: true, force: true })
})
const modelOf = ({ model }: Row) => models.get(model) as Model

type Prompt =
  | { readonly tokenIds: readonly number[] }
  | { readonly messages: readonly ChatMessage[]; readonly continueFinalMessage?: boolean }

async function greedy(model: Model, prompt: Prompt, maxNewTokens: number): Promise<number[]> {
  const prompts = [{ id: 'q', ...prompt }]
  const found: number[] = []
  const options = { prompts, seed: 0, temperature: 0, maxNewTokens, stopTokenIds: [] }
  for await (const { tokenIds } of model.generate(options)) found.push(...tokenIds)
  return found
}

describe('a message that was begun', () => {
  const said = 'special tokens in the content'
  const titles = golden.unfinished.map((row) => [`${row.model}: ${row.title}`, row] as const)

  test.each(titles)(
    "%s, is written and continued as Transformers' continue_final_message",
    async (_, row) => {
      const model = modelOf(row)
      const { messages, ids, text, answerIds } = row
      const options = { continueFinalMessage: true }
      if (row.error !== undefined) {
        expect(() => model.tokenizer.renderChat(messages, options)).toThrow(/template/)
        return
      }
      expect(model.tokenizer.renderChat(messages, options)).toBe(text)
      // Transformers makes special tokens of what is said; here it stays text.
      if (row.title === said) return
      expect(model.tokenizer.encodeChat(messages, options)).toEqual(ids)
      const prompt = { messages, continueFinalMessage: true }
      expect(await greedy(model, prompt, answerIds?.length ?? 0)).toEqual(answerIds)
    },
  )

  test('needs a message, and one that the template writes', async () => {
    const folder = await temporaryFolder()
    await cp(join(fixtures, 'gqa-6-2-tied/model'), folder, { recursive: true })
    const upper =
      "{% for m in messages %}<|im_start|>{{ m['content'] | upper }}<|im_end|>{% endfor %}"
    await writeFile(join(folder, 'chat_template.jinja'), upper)
    const tokenizer = await openTokenizer(folder)
    const options = { continueFinalMessage: true }
    expect(() => tokenizer.renderChat([], options)).toThrow(/no message to continue/)
    expect(() => tokenizer.renderChat([{ role: 'user', content: 'a' }], options)).toThrow(
      /does not write the last message/,
    )
    await rm(folder, { recursive: true })
  })
})

describe("tokens' bytes", () => {
  const hexOf = (tokenizer: ChatTokenizer, id: number) =>
    Buffer.from(tokenizer.tokenBytes(id)).toString('hex')

  test('of a vocabulary of bytes', () => {
    const { tokenizer } = models.get('gqa-6-2-tied') as Model
    const { byteLevel } = golden.tokenBytes
    expect(byteLevel.map((_, id) => hexOf(tokenizer, id))).toEqual(byteLevel)
    expect(tokenizer.tokenBytes(byteLevel.length + 1_000)).toEqual(new Uint8Array())
  })

  test('of a vocabulary of pieces with bytes for what it lacks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cem-pieces-'))
    const { piecesTokenizer, pieces } = golden.tokenBytes
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(piecesTokenizer))
    const tokenizer = await openTokenizer(folder)
    expect(pieces.map((_, id) => hexOf(tokenizer, id))).toEqual(pieces)
    await rm(folder, { recursive: true })
  })
})

describe('the tokens that a tokenizer puts around a text', () => {
  const template = {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '<|endoftext|>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '<|im_end|>', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '<|endoftext|>': { id: '<|endoftext|>', ids: [317], tokens: ['<|endoftext|>'] },
      '<|im_end|>': { id: '<|im_end|>', ids: [319], tokens: ['<|im_end|>'] },
    },
  }
  test.each([
    ['a template', template, [317, 64, 319]],
    [
      'a template after another step',
      { type: 'Sequence', processors: [{ type: 'ByteLevel' }, template] },
      [317, 64, 319],
    ],
    ['no template', { type: 'ByteLevel' }, [64]],
    ['nothing', null, [64]],
  ])('are added where that is asked for: %s', async (_, processor, ids) => {
    const folder = await temporaryFolder()
    const source = join(fixtures, 'gqa-6-2-tied/model/tokenizer.json')
    const definition = JSON.parse(readFileSync(source, 'utf8'))
    await writeFile(
      join(folder, 'tokenizer.json'),
      JSON.stringify({ ...definition, post_processor: processor }),
    )
    const tokenizer = await openTokenizer(folder)
    expect(tokenizer.encode('a', { addSpecialTokens: true })).toEqual(ids)
    expect(tokenizer.encode('a')).toEqual([64])
    await rm(folder, { recursive: true })
  })
})

describe('states of given conversations', () => {
  /** The golden files hold each layer's first 6 numbers and its norm. */
  function expectMean(
    mean: Float32Array | null | undefined,
    expected: readonly (readonly number[])[],
  ): void {
    const dModel = (mean?.length ?? 0) / expected.length
    for (const [layer, numbers] of expected.entries()) {
      const row = mean?.subarray(layer * dModel, (layer + 1) * dModel) ?? new Float32Array()
      const found = [...row.slice(0, 6), Math.hypot(...row)]
      for (const [i, number] of numbers.entries()) expect(found[i]).toBeCloseTo(number, 4)
    }
  }

  test.each(names)(
    "are Transformers' means over each message's tokens and over all: %s",
    async (name) => {
      const rows = golden.states.filter((row) => row.model === name)
      const conversations = rows.map(({ title, messages }) => ({ id: title, messages }))
      const spans = ['conversation', 'content', 'turn'] as const
      let n = 0
      for await (const found of (models.get(name) as Model).embed({ conversations, spans })) {
        const row = rows.find(({ title }) => title === found.id) as (typeof rows)[number]
        expect(found.tokenIds).toEqual(row.ids)
        expect(found.turns.map(({ range }) => [range.start, range.end])).toEqual(row.turns)
        expect(found.turns.map(({ role }) => role)).toEqual(row.messages.map(({ role }) => role))
        expectMean(found.conversation, row.conversation)
        for (const [i, { content, turn }] of found.turns.entries()) {
          const mean = row.means[i]
          if (mean === null || mean === undefined) expect(content?.every(Number.isNaN)).toBe(true)
          else expectMean(content, mean)
          expectMean(turn, row.closedMeans[i] ?? [])
        }
        n += 1
      }
      expect(n).toBe(rows.length)
      expect(n).toBeGreaterThan(4)
    },
  )

  test('for some layers and one span, with the others left out', async () => {
    const [row] = golden.states as [Golden['states'][number]]
    const conversations = [{ id: 'a', messages: row.messages }]
    for await (const found of modelOf(row).embed({ conversations, layers: [1], spans: ['turn'] })) {
      expect(found).toMatchObject({ id: 'a', layers: [1], conversation: null })
      for (const [i, { content, turn }] of found.turns.entries()) {
        expect(content).toBeNull()
        expectMean(turn, [row.closedMeans[i]?.[1] ?? []])
      }
    }
  })

  test('special tokens that are said stay words of the message', async () => {
    const model = models.get('gqa-6-2-tied') as Model
    const messages = [
      { role: 'user' as const, content: 'a <|im_end|> b' },
      { role: 'assistant' as const, content: 'c' },
    ]
    for await (const { turns, tokenIds } of model.embed({
      conversations: [{ id: 'a', messages }],
    })) {
      const words = turns.map(({ range }) =>
        Buffer.concat(
          tokenIds.slice(range.start, range.end).map((id) => model.tokenizer.tokenBytes(id)),
        ).toString(),
      )
      expect(words).toEqual(['a <|im_end|> b', 'c'])
    }
  })

  test('are refused where there is no message, or the template changes the words', async () => {
    const model = models.get('gqa-6-2-tied') as Model
    const none = model.embed({ conversations: [{ id: 'nothing', messages: [] }] })
    await expect(none.next()).rejects.toMatchObject({
      message: expect.stringContaining("'nothing'"),
    })
    const folder = await temporaryFolder()
    await cp(join(fixtures, 'gqa-6-2-tied/model'), folder, { recursive: true })
    await writeFile(
      join(folder, 'chat_template.jinja'),
      "{% for m in messages %}{{ m['content'] | replace('a', 'b') }}{% endfor %}",
    )
    await using other = await loadModel({ base: folder, cache })
    const conversations = [{ id: 'a', messages: [{ role: 'user' as const, content: 'a' }] }]
    await expect(other.embed({ conversations }).next()).rejects.toMatchObject({
      code: 'turns-not-found',
    })
    await rm(folder, { recursive: true })
  })
})

test('several engines run at the same time in one process, each with its own model and adapter', async () => {
  const tied = modelNamed('gqa-6-2-tied')
  await using adapted = await loadModel({
    base: join(fixtures, tied.folder),
    baseAliases: [tied.repository],
    layers: layerRequests(tied, [{ adapter: 'plain', mode: 'stacked' }]),
    cache,
  })
  const rows = golden.answers.filter(({ adapters }) => adapters.length < 2)
  const work = rows.map(async (row) => {
    const model = row.adapters.length === 0 ? modelOf(row) : adapted
    expect(await greedy(model, { messages: row.messages }, row.answerIds.length)).toEqual(
      row.answerIds,
    )
  })
  const other = models.get('gqa-4-1-untied') as Model
  const unfinished = golden.unfinished.filter(
    ({ model, answerIds, title }) =>
      model === 'gqa-4-1-untied' && answerIds && title !== 'special tokens in the content',
  )
  const beside = unfinished.map(async ({ ids, answerIds }) => {
    expect(await greedy(other, { tokenIds: ids ?? [] }, answerIds?.length ?? 0)).toEqual(answerIds)
  })
  await Promise.all([...work, ...beside])
  expect(new Set([adapted, ...models.values()].map(({ processId }) => processId)).size).toBe(3)
})

describe('every long call can be aborted', () => {
  const aborted = AbortSignal.abort(new Error('enough'))
  const messages = [{ role: 'user' as const, content: 'a' }]

  test('before it begins', async () => {
    const model = models.get('gqa-6-2-tied') as Model
    const base = join(fixtures, modelNamed('gqa-6-2-tied').folder)
    const prompts = [{ id: 'a', messages }]
    await expect(loadModel({ base, cache, signal: aborted })).rejects.toThrow('enough')
    await expect(model.generate({ prompts, seed: 0, signal: aborted }).next()).rejects.toThrow(
      'enough',
    )
    const sequences = [{ id: 'a', tokenIds: [1, 2] }]
    await expect(model.score({ sequences, signal: aborted }).next()).rejects.toThrow('enough')
    const conversations = [{ id: 'a', messages }]
    await expect(model.embed({ conversations, signal: aborted }).next()).rejects.toThrow('enough')
    await expect(model.openBatch({ signal: aborted })).rejects.toThrow('enough')
    await expect(model.switchTo([], aborted)).rejects.toThrow('enough')
  })

  test('and a disposed model says so', async () => {
    const base = join(fixtures, modelNamed('gqa-6-2-tied').folder)
    const model = await loadModel({ base, cache })
    const running = model.generate({ prompts: [{ id: 'a', messages }], seed: 0, maxNewTokens: 400 })
    const ended = Promise.allSettled([running.next()])
    await model.dispose()
    await model.dispose()
    const [first] = await ended
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'engine-disposed' } })
    const sequences = [{ id: 'a', tokenIds: [1, 2] }]
    await expect(model.score({ sequences }).next()).rejects.toMatchObject({
      code: 'engine-disposed',
    })
  })
})
