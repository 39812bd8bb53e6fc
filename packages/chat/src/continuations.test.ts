import { expect, test } from 'vitest'
import { type Answer, sendJson, startServer } from '../test/fault-server.ts'
import { hurriedClock } from '../test/hurried-clock.ts'
import { createChatClient } from './chat-client.ts'
import { readContinuations } from './continuations.ts'

const request = {
  messages: [{ role: 'user', content: '0-100?' }],
  continuations: ['7', '87'],
} as const

const entry = (index: unknown, logprob: unknown = -1.5, nTokens: unknown = 2) => ({
  index,
  logprob,
  n_tokens: nTokens,
})

const make = (baseUrl: string) =>
  createChatClient({ model: 'local', baseUrl, environment: {}, clock: hurriedClock(), seed: 1 })

test('answers are scored in the order they were asked for, whatever the order of the reply', async () => {
  await using server = await startServer(({ index }, response) => {
    if (index === 0) return sendJson(response, {}, 503)
    const usage = { prompt_tokens: 9, completion_tokens: 5 }
    sendJson(response, {
      model: 'local-1',
      continuations: [entry(1, -3, 3), entry(0, -1.5)],
      usage,
    })
  })
  const client = make(server.baseUrl)
  expect(await client.scoreContinuations(request)).toMatchObject({
    logprobs: [-1.5, -3],
    nTokens: [2, 3],
    model: 'local-1',
    usage: { promptTokens: 9, completionTokens: 5 },
    attempts: [{ status: 503 }, { status: 200 }],
  })
  expect(server.requests[1]).toMatchObject({
    url: '/v1/continuations',
    body: { model: 'local', ...request },
  })
  expect(client.counters()).toMatchObject({ calls: 1, attempts: 2, promptTokens: 9 })
})

const status =
  (code: number, error: object): Answer =>
  (_, response) =>
    sendJson(response, error, code)

test.each([
  [
    404,
    { error: { message: 'Invalid URL (POST /v1/continuations)', code: null } },
    'chat-no-continuations',
  ],
  [404, { detail: 'Not Found' }, 'chat-no-continuations'],
  [405, { detail: 'Method Not Allowed' }, 'chat-no-continuations'],
  [404, { error: { message: 'no model', code: 'model_not_found' } }, 'chat-not-found'],
  [400, { error: { message: 'too long' } }, 'chat-request-refused'],
])('a %i with %j is %s', async (code, body, name) => {
  await using server = await startServer(status(code, body))
  await expect(make(server.baseUrl).scoreContinuations(request)).rejects.toMatchObject({
    code: name,
  })
  expect(server.requests).toHaveLength(1)
})

test.each<[unknown, RegExp]>([
  [{}, /continuations is not a list/],
  [{ continuations: [entry(0)] }, /1 entries for 2/],
  [{ continuations: [entry(0), entry(0)] }, /continuations\[1\].index is 0/],
  [{ continuations: [entry(0), entry(2)] }, /index is 2/],
  [{ continuations: [entry(0), entry('length')] }, /index is "length"/],
  [{ continuations: [entry(0), entry(1, null)] }, /logprob is null/],
  [{ continuations: [entry(0), entry(1, 0.5)] }, /logprob is 0.5/],
  [{ continuations: [entry(0), entry(1, -1, 0)] }, /n_tokens is 0/],
])('%j is no list of scores', (body, message) => {
  expect(() => readContinuations(body, 2)).toThrow(message)
})

test('a request that scores nothing is refused before it is sent', async () => {
  const client = make('http://127.0.0.1:9/v1')
  await expect(client.scoreContinuations({ ...request, continuations: [] })).rejects.toThrow(
    /continuations is empty/,
  )
  await expect(client.scoreContinuations({ ...request, messages: [] })).rejects.toThrow(
    /messages is empty/,
  )
})
