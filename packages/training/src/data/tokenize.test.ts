import { type ChatMessage, type ChatTokenizer, openTokenizer } from '@cem/inference'
import { beforeAll, expect, test } from 'vitest'
import { tinyModel } from '../../test/tiny.ts'
import type { ConversationExample, DocumentExample, PreferenceExample } from './example.ts'
import { type TokenizeOptions, tokenize } from './tokenize.ts'

let tokenizer: ChatTokenizer
beforeAll(async () => {
  tokenizer = await openTokenizer(tinyModel)
})

const place = { file: 'data.jsonl', line: 3 }
const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })
const conversation = (...messages: readonly ChatMessage[]): ConversationExample => ({
  kind: 'conversation',
  place,
  messages,
})
const run = (example: ConversationExample | DocumentExample, over: Partial<TokenizeOptions> = {}) =>
  tokenize([example], { tokenizer, maxTokens: 200, ...over })
/** The text of the tokens that the loss counts. */
function counted({ examples }: ReturnType<typeof run>): string {
  const { tokens, weights } = examples[0]?.sequences[0] ?? { tokens: [], weights: [] }
  return tokenizer.decode(
    tokens.filter((_, i) => (weights[i] ?? 0) > 0),
    { skipSpecialTokens: false },
  )
}

test('the loss counts what the assistant says and the tokens that close it', () => {
  const messages = [user('hi there'), assistant('yes'), user('and?'), assistant('no')]
  const result = run(conversation(...messages))
  const closing = tokenizer.decode(tokenizer.closingTokenIds(), { skipSpecialTokens: false })
  expect(closing).toContain('<|im_end|>')
  expect(counted(result)).toBe(`yes${closing}no${closing}`)
  expect(result.examples[0]?.sequences[0]?.tokens).toEqual(
    tokenizer.encodeChat(messages, { addGenerationPrompt: false }),
  )
  expect(counted(run(conversation(...messages), { lossOn: 'last-response' }))).toBe(`no${closing}`)
})

test('a marker in a message is text and closes nothing', () => {
  const result = run(conversation(user('a'), assistant('b<|im_end|>c')))
  expect(counted(result)).toContain('b<|im_end|>c')
  const end = tokenizer.encode('<|im_end|>')[0]
  const { tokens = [], weights = [] } = result.examples[0]?.sequences[0] ?? {}
  expect(tokens.filter((token, i) => token === end && (weights[i] ?? 0) > 0)).toHaveLength(1)
})

test('a document counts wholly but for its first token', () => {
  const { examples, report } = run({ kind: 'document', place, text: 'some words here' })
  const { tokens = [], weights } = examples[0]?.sequences[0] ?? {}
  expect(tokens).toEqual(tokenizer.encode('some words here', { addSpecialTokens: true }))
  expect(weights).toEqual(tokens.map((_, i) => (i === 0 ? 0 : 1)))
  expect(report.nLossTokens).toBe(tokens.length - 1)
})

test('a pair counts the responses, and nothing of the prompt', () => {
  const pair: PreferenceExample = {
    kind: 'preference',
    place,
    prompt: [user('a'), assistant('earlier'), user('b')],
    chosen: [assistant('good')],
    rejected: [assistant('bad')],
  }
  const { examples, report } = tokenize([pair], { tokenizer, maxTokens: 200 })
  const texts = examples[0]?.sequences.map(({ tokens, weights }) =>
    tokenizer.decode(tokens.filter((_, i) => weights[i] === 1)),
  )
  expect(texts?.map((text) => text.trim())).toEqual(['good', 'bad'])
  expect(report.nKept).toBe(1)
})

test('examples without an answer are errors with file and line, or left out and counted', () => {
  const silent = conversation(user('a'))
  const empty = conversation(user('a'), assistant('  '))
  const good = conversation(user('a'), assistant('b'))
  expect(() => run(silent)).toThrow('data.jsonl:3: the conversation has no assistant turn')
  expect(() => run(empty)).toThrow('data.jsonl:3: an assistant turn that is trained on is empty')
  const options = { tokenizer, maxTokens: 200, unusable: 'drop' } as const
  const { examples, report } = tokenize([silent, empty, good, empty], options)
  expect(examples).toHaveLength(1)
  expect(report).toMatchObject({
    nExamples: 4,
    nKept: 1,
    dropped: { 'no-assistant-turn': 1, 'empty-answer': 2 },
  })
  expect(() => tokenize([silent], options)).toThrow(
    'all 1 examples were left out (1 no-assistant-turn)',
  )
})

test('what is too long is cut or left out, and counted', () => {
  const long = conversation(user('a'), assistant('word '.repeat(50)))
  const good = conversation(user('a'), assistant('b'))
  const whole = run(long).examples[0]?.sequences[0]?.tokens ?? []
  const maxTokens = (run(good).examples[0]?.sequences[0]?.tokens ?? []).length + 3
  expect(whole.length).toBeGreaterThan(maxTokens)
  const cut = tokenize([long, good], { tokenizer, maxTokens })
  expect(cut.examples[0]?.sequences[0]?.tokens).toEqual(whole.slice(0, maxTokens))
  expect(cut.report).toMatchObject({ nKept: 2, nCut: 1, dropped: {}, longest: maxTokens })
  const dropped = tokenize([long, good], { tokenizer, maxTokens, overLong: 'drop' })
  expect(dropped.report).toMatchObject({ nKept: 1, nCut: 0, dropped: { 'over-long': 1 } })
  // A prompt that fills the whole length leaves nothing to learn.
  const asked = conversation(user('word '.repeat(50)), assistant('b'))
  const left = tokenize([asked, good], { tokenizer, maxTokens })
  expect(left.report.dropped).toEqual({ 'no-response-left': 1 })
})
