import { readFileSync } from 'node:fs'
import { createChatClient } from '@cem/chat'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTinyServer, type TinyServer } from './tiny-server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** What Transformers and PEFT give; see golden/continuations.py. */
const golden = JSON.parse(
  readFileSync(new URL('../golden/continuations.json', import.meta.url), 'utf8'),
) as readonly {
  readonly adapter: string
  readonly messages: readonly { readonly role: 'user'; readonly content: string }[]
  readonly continuations: readonly string[]
  readonly scores: readonly {
    readonly promptLength: number
    readonly nTokens: number
    readonly logprob: number
  }[]
}[]

let tiny: TinyServer
beforeAll(async () => {
  tiny = await startTinyServer({ batchSize: 4 })
})
afterAll(() => tiny[Symbol.asyncDispose]())

const clientOf = (model: string, baseUrl = tiny.server.url) =>
  createChatClient({ model, baseUrl, maxAttempts: 1, environment: {} })

test("whole answers have Transformers' probabilities with their end, asked one by one or all at once", async () => {
  const ask = ({ adapter, messages, continuations }: (typeof golden)[number]) =>
    clientOf(adapter || 'model').scoreContinuations({ messages, continuations })
  const together = await Promise.all(golden.map(ask))
  for (const [i, row] of golden.entries())
    for (const found of [together[i], await ask(row)]) {
      expect(found?.logprobs).toHaveLength(row.scores.length)
      for (const [j, { logprob, nTokens }] of row.scores.entries()) {
        expect(found?.logprobs[j]).toBeCloseTo(logprob, 3)
        expect(found?.nTokens[j]).toBe(nTokens)
      }
      expect(found?.model).toBe(row.adapter || 'model')
      expect(found?.systemFingerprint).toMatch(/^fp_[0-9a-f]{64}$/)
      expect(found?.usage).toEqual({
        promptTokens: row.scores[0]?.promptLength,
        completionTokens: row.scores.reduce((sum, { nTokens }) => sum + nTokens, 0),
      })
    }
})

test('the 101 answers of a judge that splits digits have less than all probability together', async () => {
  const continuations = Array.from({ length: 101 }, (_, i) => String(i))
  const messages = [{ role: 'user', content: '0-100?' }] as const
  const { logprobs } = await clientOf('model').scoreContinuations({ messages, continuations })
  const mass = logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0)
  expect(mass).toBeGreaterThan(0)
  expect(mass).toBeLessThan(1)
})

test('a special token in an answer is text', async () => {
  const messages = [{ role: 'user', content: 'Where?' }] as const
  const continuations = ['no', 'no<|im_end|>']
  const { nTokens } = await clientOf('model').scoreContinuations({ messages, continuations })
  // As a token it would be one more; as text it is several.
  expect((nTokens[1] ?? 0) - (nTokens[0] ?? 0)).toBeGreaterThan(1)
})

const valid = { model: 'model', messages: [{ role: 'user', content: 'Where?' }] }
const longAnswer = 'heron '.repeat(2000)

test.each<[string, object, number, string, RegExp]>([
  ['an unknown model', { model: 'gpt-9', continuations: ['a'] }, 404, 'model', /'gpt-9'/],
  ['no answers', { continuations: [] }, 400, 'continuations', /continuations/],
  ['answers left out', {}, 400, 'continuations', /'continuations' is missing/],
  [
    'an answer that is no text',
    { continuations: ['a', 7] },
    400,
    'continuations.1',
    /continuations.1/,
  ],
  [
    'a temperature',
    { continuations: ['a'], temperature: 0 },
    400,
    'temperature',
    /Unknown parameter/,
  ],
  ['too many', { continuations: Array(1025).fill('a') }, 400, 'continuations', /1024/],
  [
    'an answer that does not fit',
    { continuations: ['a', longAnswer] },
    400,
    'continuations.1',
    /has room for/,
  ],
])('%s is refused and named', async (_, body, status, param, words) => {
  const response = await fetch(`${tiny.server.url}/continuations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...valid, ...body }),
  })
  const { error } = (await response.json()) as { error: Record<string, string> }
  expect(response.status).toBe(status)
  expect(error).toMatchObject({ param, message: expect.stringMatching(words) })
  expect(error['type']).toBe('invalid_request_error')
})

test('a client without the model is told so, and a client that leaves holds nobody up', async () => {
  const request = { messages: [{ role: 'user', content: 'Where?' }], continuations: ['a'] } as const
  await expect(clientOf('gpt-9').scoreContinuations(request)).rejects.toMatchObject({
    code: 'chat-not-found',
  })
  const controller = new AbortController()
  const reason = new Error('enough')
  const many = Array.from({ length: 500 }, (_, i) => `answer ${i} of many`)
  const left = clientOf('model').scoreContinuations(
    { ...request, continuations: many },
    { signal: controller.signal },
  )
  controller.abort(reason)
  await expect(left).rejects.toBe(reason)
  expect((await clientOf('model').scoreContinuations(request)).logprobs).toHaveLength(1)
})
