import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadModel, type Model } from '@cem/inference'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { extractMeans } from '../extract-means.ts'
import type { Conversation } from './conversation.ts'
import {
  type ConversationEvent,
  type ConversationMeans,
  type ConversationsEnd,
  extractConversations,
} from './extract-conversations.ts'
import { locateConversation } from './locate-conversation.ts'

const fixture = fileURLToPath(
  new URL('../../../inference/fixtures/gqa-6-2-tied/model', import.meta.url),
)
const dModel = 96

let folder: string
let model: Model
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-conversations-'))
  model = await loadModel({ base: fixture, cache: folder })
})
afterAll(async () => {
  await model[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const code = 'See:\n```js\nx = 1\n```\nfine.'
const conversations: Conversation[] = [
  {
    id: 'a',
    labels: { question_id: 'q1' },
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Where?' },
      { role: 'assistant', content: 'In the reeds.' },
      { role: 'user', content: 'Show me.' },
      { role: 'assistant', content: code },
    ],
  },
  {
    id: 'a',
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '' },
    ],
  },
  {
    id: 'only code',
    leftOut: ['image'],
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '```\nx\n```' },
    ],
  },
]

async function collect(events: AsyncIterable<ConversationEvent>) {
  const all: ConversationEvent[] = []
  for await (const event of events) all.push(event)
  const found = all.filter((event): event is ConversationMeans => event.type === 'conversation')
  return {
    found: found.toSorted((a, b) => a.index - b.index),
    warnings: all.filter((event) => event.type === 'warning'),
    end: all.at(-1) as ConversationsEnd,
  }
}

/** The mean over given positions, from the states of single tokens, added up here in float64. */
async function meanOf(tokenIds: readonly number[], positions: readonly number[]) {
  const sequence = { id: 'x', tokenIds, states: { start: 0, end: tokenIds.length } }
  for await (const { states } of model.score({ sequences: [sequence], layers: [1, 2] }))
    return Float64Array.from({ length: 2 * dModel }, (_, i) =>
      positions.reduce(
        (sum, p) => sum + ((states as Float32Array)[p * 2 * dModel + i] ?? 0) / positions.length,
        0,
      ),
    )
  throw new Error('nothing was scored')
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  let [worst, largest] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    worst = Math.max(worst, Math.abs((a[i] as number) - (b[i] as number)))
    largest = Math.max(largest, Math.abs(b[i] as number))
  }
  return worst / largest
}

const range = (start: number, end: number) =>
  Array.from({ length: end - start }, (_, i) => start + i)
const isNaNThroughout = (values: ArrayLike<number> | undefined) =>
  values !== undefined && values.length === 2 * dModel && Array.from(values).every(Number.isNaN)

describe('means over the messages of conversations', () => {
  test('are those of the states of their tokens, for every role and span', async () => {
    const { found, end } = await collect(
      extractConversations({ model, conversations, layers: [1, 2], spans: ['content', 'turn'] }),
    )
    expect(found.map(({ index, id }) => [index, id])).toEqual([
      [0, 'a'],
      [1, 'a'],
      [2, 'only code'],
    ])
    expect(found[0]?.labels).toEqual({ question_id: 'q1' })
    const located = locateConversation(model.tokenizer, conversations[0] as Conversation)
    for (const [i, turn] of (found[0]?.turns ?? []).entries())
      for (const span of ['content', 'turn'] as const) {
        const { start, end: to } = located.turns[i]?.[span] ?? { start: 0, end: 0 }
        const wanted = await meanOf(located.tokenIds, range(start, to))
        expect(difference(turn.means[span] ?? [], wanted)).toBeLessThan(1e-5)
      }
    expect(found[0]?.turns.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'user',
      'assistant',
    ])
    expect(end).toMatchObject({
      nConversations: 3,
      nTurns: { system: 1, user: 4, assistant: 4 },
      nEmptyTurns: 1,
      nCodeTokens: 0,
    })
  })

  test('leave out code blocks, whose tokens are counted', async () => {
    const { found, end } = await collect(
      extractConversations({
        model,
        conversations,
        layers: [1, 2],
        spans: ['content', 'turn'],
        roles: ['assistant'],
        codeBlocks: 'leave-out',
      }),
    )
    const located = locateConversation(model.tokenizer, conversations[0] as Conversation)
    const turn = located.turns[4]
    const [block] = turn?.code ?? []
    if (turn === undefined || block === undefined) throw new Error('there is a code block')
    const words = [...range(turn.content.start, block.start), ...range(block.end, turn.content.end)]
    const [, second] = found[0]?.turns ?? []
    expect(second).toMatchObject({
      index: 4,
      isEmpty: false,
      nTokens: words.length,
      nCodeTokens: block.end - block.start,
    })
    const content = await meanOf(located.tokenIds, words)
    expect(difference(second?.means.content ?? [], content)).toBeLessThan(1e-5)
    const closed = [...words, ...range(turn.content.end, turn.turn.end)]
    expect(closed.length).toBe(words.length + 2)
    const whole = await meanOf(located.tokenIds, closed)
    expect(difference(second?.means.turn ?? [], whole)).toBeLessThan(1e-5)
    // Nothing but code is nothing: NaN, and counted.
    const [only] = found[2]?.turns ?? []
    expect(only).toMatchObject({ isEmpty: true, nTokens: 0 })
    expect(isNaNThroughout(only?.means.content) && isNaNThroughout(only?.means.turn)).toBe(true)
    expect(end.nEmptyTurns).toBe(2)
    expect(end.nCodeTokens).toBe(block.end - block.start + (only?.nCodeTokens ?? 0))
  })

  test('of an empty answer are NaN in both spans, never zero', async () => {
    const { found } = await collect(
      extractConversations({
        model,
        conversations: conversations.slice(1, 2),
        layers: [1, 2],
        spans: ['content', 'turn'],
        roles: ['assistant'],
      }),
    )
    const [turn] = found[0]?.turns ?? []
    expect(turn?.isEmpty).toBe(true)
    expect(isNaNThroughout(turn?.means.content) && isNaNThroughout(turn?.means.turn)).toBe(true)
  })

  test('agree with those of stored ids, code left out there too', async () => {
    const messages = [{ role: 'user' as const, content: 'Show me.' }]
    const promptTokenIds = model.tokenizer.encodeChat(messages)
    const tokenIds = model.tokenizer.encode(code)
    const extracted = extractMeans({
      model,
      responses: [{ promptTokenIds, tokenIds }],
      layers: [1, 2],
      codeBlocks: 'leave-out',
    })
    const { found } = await collect(
      extractConversations({
        model,
        conversations: [{ id: 'x', messages: [...messages, { role: 'assistant', content: code }] }],
        layers: [1, 2],
        codeBlocks: 'leave-out',
      }),
    )
    const wanted = found[0]?.turns[1]
    expect(wanted?.nCodeTokens).toBeGreaterThan(5)
    for await (const { means, nCodeTokens, isEmpty } of extracted) {
      expect(isEmpty).toBe(false)
      expect(nCodeTokens).toBe(wanted?.nCodeTokens)
      expect(difference(means.content ?? [], wanted?.means.content ?? [])).toBeLessThan(1e-5)
    }
    const onlyCode = { promptTokenIds, tokenIds: model.tokenizer.encode('```\nx\n```') }
    const options = { model, layers: [1, 2], codeBlocks: 'leave-out' } as const
    for await (const { means, isEmpty } of extractMeans({ ...options, responses: [onlyCode] })) {
      expect(isEmpty).toBe(true)
      expect(isNaNThroughout(means.content)).toBe(true)
    }
  })
})

describe('warnings', () => {
  test('say what was left out, and that nobody knows how many token boundaries moved', async () => {
    const { warnings, end } = await collect(extractConversations({ model, conversations }))
    expect(warnings.map(({ code: kind, index }) => [kind, index])).toEqual([
      ['retokenized', 0],
      ['content-left-out', 2],
      ['retokenized', 2],
    ])
    expect(warnings[0]).toMatchObject({
      nMovedBoundaries: 'unknown',
      message: expect.stringContaining('for 2 of them the original tokens are not known'),
    })
    expect(warnings[1]?.message).toContain('left out: image')
    expect(end).toMatchObject({ nRetokenized: 3, nMovedBoundaries: 0, nUnknownBoundaries: 3 })
  })

  test('give the number of moved boundaries where the tokens are known, and are silent at 0', async () => {
    const answer = 'In the reeds.'
    const ids = model.tokenizer.encode(answer)
    const bytes = Array.from(Buffer.from(answer), (byte) => Uint8Array.of(byte))
    const { warnings, end } = await collect(
      extractConversations({
        model,
        layers: [0],
        conversations: [{ ids }, { bytes }].map((original, i) => ({
          id: String(i),
          messages: [
            { role: 'user', content: 'Where?' },
            { role: 'assistant', content: answer, original },
          ],
        })),
      }),
    )
    expect(warnings).toMatchObject([
      { code: 'retokenized', index: 1, nMovedBoundaries: bytes.length - ids.length },
    ])
    expect(end).toMatchObject({
      nRetokenized: 2,
      nMovedBoundaries: bytes.length - ids.length,
      nUnknownBoundaries: 0,
    })
  })
})

describe('what is given', () => {
  test('is read as it is needed, and an abort ends the work', async () => {
    let nRead = 0
    const controller = new AbortController()
    const endless = (function* () {
      for (;;) {
        nRead += 1
        yield { id: String(nRead), messages: [{ role: 'user', content: 'Hello there' }] }
      }
    })()
    const events = extractConversations({
      model,
      conversations: endless,
      layers: [0],
      signal: controller.signal,
    })
    const first = await events.next()
    expect(first.value).toMatchObject({ type: 'conversation' })
    expect(nRead).toBeLessThanOrEqual(256)
    controller.abort(new Error('enough'))
    await expect(
      (async () => {
        for await (const _ of events);
      })(),
    ).rejects.toThrow('enough')
  })

  test('may name roles that no message has: the end says which', async () => {
    const { found, end } = await collect(
      extractConversations({ model, conversations, layers: [0], roles: ['asistant', 'user'] }),
    )
    expect(end.missingRoles).toEqual(['asistant'])
    expect(found[1]?.turns.map(({ role }) => role)).toEqual(['user'])
  })

  test('nothing gives an end with zeros, and what is wrong names the conversation', async () => {
    const { end } = await collect(extractConversations({ model, conversations: [] }))
    expect(end).toMatchObject({ nConversations: 0, nTurns: {}, nEmptyTurns: 0 })
    const long: Conversation = {
      id: 'far too long',
      messages: [{ role: 'user', content: 'word '.repeat(3000) }],
    }
    await expect(collect(extractConversations({ model, conversations: [long] }))).rejects.toThrow(
      /far too long/,
    )
    const bad = { id: 'bad one', messages: [] }
    await expect(
      collect(extractConversations({ model, conversations: [bad] })),
    ).rejects.toMatchObject({ code: 'conversation-invalid', data: { id: 'bad one' } })
  })
})
