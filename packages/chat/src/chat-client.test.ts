import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import { CemError } from '@cem/core'
import { expect, test, vi } from 'vitest'
import { type Answer, completionBody, sendJson, startServer } from '../test/fault-server.ts'
import { hurriedClock } from '../test/hurried-clock.ts'
import { createChatClient } from './chat-client.ts'
import type { ChatClientOptions } from './chat-client-options.ts'

const request = { messages: [{ role: 'user', content: 'How good is it?' }] } as const
const good: Answer = (_, response) => sendJson(response, completionBody())

function makeClient(baseUrl: string, options: Partial<ChatClientOptions> = {}) {
  const clock = hurriedClock()
  const client = createChatClient({
    model: 'judge',
    baseUrl,
    seed: 1,
    clock,
    environment: {},
    ...options,
  })
  return { client, clock }
}

async function errorOf(promise: Promise<unknown>): Promise<CemError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!CemError.isInstance(error)) throw new Error(`no CemError: ${inspect(error)}`)
  return error
}

/** Answers with these in turn, then well. */
const inTurn =
  (...answers: readonly Answer[]): Answer =>
  (served, response) =>
    (answers[served.index] ?? good)(served, response)

const status =
  (code: number, headers: Record<string, string> = {}, error: object = {}): Answer =>
  (_, response) =>
    sendJson(response, { error: { message: `status ${code}`, ...error } }, code, headers)

test('a call sends what is asked and gives back what was answered', async () => {
  await using server = await startServer((_, response) =>
    sendJson(response, completionBody(), 200, { 'x-request-id': 'req_1' }),
  )
  const { client } = makeClient(server.baseUrl)
  const completion = await client.complete({
    ...request,
    maxTokens: 1,
    temperature: 0,
    seed: 0,
    topLogprobs: 20,
    extraBody: { user: 'u' },
  })
  expect(server.requests[0]).toMatchObject({
    url: '/v1/chat/completions',
    body: {
      model: 'judge',
      messages: [{ role: 'user', content: 'How good is it?' }],
      max_tokens: 1,
      temperature: 0,
      seed: 0,
      logprobs: true,
      top_logprobs: 20,
      user: 'u',
    },
  })
  expect(server.requests[0]?.body).not.toHaveProperty('top_p')
  expect(completion).toMatchObject({
    text: '87',
    finishReason: 'length',
    topLogprobs: [{ token: '87', logprob: -0.1 }],
    systemFingerprint: 'fp_07871e2ad8',
    requestId: 'req_1',
    attempts: [{ status: 200, startedAt: expect.stringMatching(/^\d{4}-.*Z$/) }],
  })
  expect(client.counters()).toEqual({
    calls: 1,
    attempts: 1,
    failures: 0,
    aborted: 0,
    waiting: 0,
    inFlight: 0,
    promptTokens: 312,
    completionTokens: 1,
    cachedPromptTokens: 0,
    attemptsOfUnknownUsage: 0,
    costUsd: null,
    possibleCostUsd: null,
  })
})

test.each([
  ['seconds', { 'retry-after': '7' }, 7000],
  ['milliseconds', { 'retry-after-ms': '1234' }, 1234],
])('a 429 with retry-after in %s is waited out', async (_, headers, expected) => {
  await using server = await startServer(inTurn(status(429, headers)))
  const { client, clock } = makeClient(server.baseUrl, { baseDelayInMs: 100 })
  const { attempts } = await client.complete(request)
  expect(attempts).toMatchObject([
    { status: 429, retryAfterInMs: expected, reason: '429 status 429' },
    { status: 200 },
  ])
  // What comes after it is the wait of all other calls, which on this clock is not over then.
  expect(clock.delays[0]).toSatisfy((delay) => delay > expected && delay < expected + 100)
})

test('a 429 with retry-after as an HTTP date is waited out', async () => {
  const date = new Date(Date.now() + 20_000).toUTCString()
  await using server = await startServer(inTurn(status(429, { 'retry-after': date })))
  const { client, clock } = makeClient(server.baseUrl)
  const { attempts } = await client.complete(request)
  // A date has whole seconds, and the request took some time.
  const wait = attempts[0]?.retryAfterInMs ?? 0
  expect(wait).toBeGreaterThan(15_000)
  expect(wait).toBeLessThanOrEqual(20_000)
  expect(clock.delays[0]).toBeGreaterThan(wait)
})

test.each([408, 409, 425, 429, 500, 502, 503, 504, 529])('%i is tried again', async (code) => {
  await using server = await startServer(inTurn(status(code), status(code)))
  const { client } = makeClient(server.baseUrl)
  const { attempts } = await client.complete(request)
  expect(attempts.map((attempt) => attempt.status)).toEqual([code, code, 200])
})

test.each([
  [400, 'chat-request-refused'],
  [401, 'chat-unauthorized'],
  [403, 'chat-forbidden'],
  [404, 'chat-not-found'],
  [422, 'chat-request-refused'],
])('%i is final and named %s', async (code, name) => {
  await using server = await startServer(status(code))
  const { client, clock } = makeClient(server.baseUrl)
  const error = await errorOf(client.complete(request))
  expect(error).toMatchObject({ code: name, data: { status: code, url: server.baseUrl } })
  expect(server.requests).toHaveLength(1)
  expect(clock.delays).toEqual([])
  expect(client.counters()).toMatchObject({ failures: 1, inFlight: 0 })
})

test('an exhausted quota is final although it comes as a 429', async () => {
  await using server = await startServer(status(429, {}, { code: 'insufficient_quota' }))
  const error = await errorOf(makeClient(server.baseUrl).client.complete(request))
  expect(error.code).toBe('chat-quota-exhausted')
  expect(server.requests).toHaveLength(1)
})

async function delaysOf(seed: number): Promise<readonly number[]> {
  await using server = await startServer(inTurn(status(500), status(500), status(500)))
  const { client, clock } = makeClient(server.baseUrl, { seed })
  await client.complete(request)
  return clock.delays
}

test('the waits are the same for the same seed', async () => {
  const delays = await delaysOf(1)
  expect(delays).toHaveLength(3)
  expect(await delaysOf(1)).toEqual(delays)
  expect(await delaysOf(2)).not.toEqual(delays)
})

test('a connection that is reset, before or within the answer, is tried again', async () => {
  await using server = await startServer(
    inTurn(
      (_, response) => response.socket?.resetAndDestroy(),
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        response.write('{"choices":', () => response.socket?.destroy())
      },
    ),
  )
  const { attempts } = await makeClient(server.baseUrl).client.complete(request)
  expect(attempts).toHaveLength(3)
  expect(attempts[0]).toMatchObject({ errorCode: expect.any(String), reason: expect.any(String) })
  expect(attempts[1]).toMatchObject({ errorCode: expect.any(String), reason: expect.any(String) })
  expect(attempts[2]).toMatchObject({ status: 200 })
})

const drip =
  (code: number): Answer =>
  (_, response) => {
    response.writeHead(code, { 'content-type': 'application/json' })
    const timer = setInterval(() => response.write(' '), 10)
    response.on('close', () => clearInterval(timer))
  }

test.each([200, 500])(
  'a slow drip with status %i ends with the time of an attempt',
  async (code) => {
    await using server = await startServer(inTurn(drip(code)))
    const { client } = makeClient(server.baseUrl, { timeoutInMs: 500 })
    const { attempts } = await client.complete(request)
    expect(attempts).toMatchObject([{ errorCode: 'timeout' }, { status: 200 }])
  },
)

test('when attempts run out, the error holds them all', async () => {
  await using server = await startServer((served, response) =>
    sendJson(response, { error: { message: `failure ${served.index}` } }, 503),
  )
  const error = await errorOf(
    makeClient(server.baseUrl, { maxAttempts: 4 }).client.complete(request),
  )
  expect(error.code).toBe('chat-attempts-exhausted')
  expect(error.message).toContain('after 4 attempts')
  const attempts = [0, 1, 2, 3].map((i) => ({ status: 503, reason: `503 failure ${i}` }))
  expect(error.data).toMatchObject({ status: 503, attempts })
})

test('429s do not use up the attempts, only the time', async () => {
  await using server = await startServer(
    inTurn(...Array.from({ length: 20 }, () => status(429, { 'retry-after': '1' })), status(500)),
  )
  const { client } = makeClient(server.baseUrl, { maxAttempts: 2 })
  const { attempts } = await client.complete(request)
  expect(attempts.map((attempt) => attempt.status)).toEqual([...Array(20).fill(429), 500, 200])

  await using full = await startServer(status(429, { 'retry-after': '1' }))
  const { client: hasty } = makeClient(full.baseUrl, { maxAttempts: 2, deadlineInMs: 20_000 })
  const error = await errorOf(hasty.complete(request))
  expect(error).toMatchObject({ code: 'chat-deadline-exceeded', data: { status: 429 } })
  expect(full.requests.length).toBeGreaterThan(2)
})

test('a wait that would outlast the deadline is not begun', async () => {
  await using server = await startServer(status(429, { 'retry-after': '3600' }))
  const { client, clock } = makeClient(server.baseUrl, { deadlineInMs: 60_000 })
  const error = await errorOf(client.complete(request))
  expect(error).toMatchObject({ code: 'chat-deadline-exceeded', data: { status: 429 } })
  expect(clock.delays).toEqual([])
})

test('the deadline cuts an attempt short', async () => {
  await using server = await startServer(drip(200))
  const { client } = makeClient(server.baseUrl, { deadlineInMs: 500 })
  const error = await errorOf(client.complete(request))
  expect(error).toMatchObject({ code: 'chat-deadline-exceeded', data: { errorCode: 'timeout' } })
  expect(server.requests).toHaveLength(1)
})

const key = 'sk-"quoted\\key/0123456789'
const echo: Answer = ({ headers, body }, response) =>
  sendJson(
    response,
    {
      error: {
        message: `Bad: ${headers.authorization} ${JSON.stringify(headers)} ${JSON.stringify(body)}`,
      },
    },
    400,
  )

test('a key that the server echoes is in no error, no attempt and not in the client', async () => {
  await using server = await startServer(echo)
  const { client } = makeClient(server.baseUrl, { environment: { OPENAI_API_KEY: key } })
  const error = await errorOf(client.complete(request))
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${key}`)
  const shown = [
    inspect(error, { depth: Infinity, showHidden: true }),
    JSON.stringify(error),
    inspect(client, { depth: Infinity, showHidden: true }),
  ].join()
  expect(shown).toContain('Bearer [key]')
  expect(shown).not.toMatch(/0123456789|quoted/)
})

test('a key in a header of its own name is redacted too', async () => {
  await using server = await startServer((served, response) =>
    sendJson(response, { error: { message: `No: ${String(served.headers['api-key'])}` } }, 401),
  )
  const { client } = makeClient(`${server.baseUrl}/deployments/d?api-version=2024-10-21`, {
    apiKey: 'azure-key-123',
    keyHeader: 'api-key',
  })
  const error = await errorOf(client.complete(request))
  expect(server.requests[0]).toMatchObject({
    url: '/v1/deployments/d/chat/completions?api-version=2024-10-21',
    headers: { 'api-key': 'azure-key-123' },
  })
  expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
  expect(error.message).not.toContain('azure-key-123')
})

test('the prompt is not dumped into an error when the server echoes it', async () => {
  await using server = await startServer(echo)
  const error = await errorOf(makeClient(server.baseUrl).client.complete(request))
  expect(inspect(error, { depth: Infinity })).not.toContain(request.messages[0].content)
})

test('a 401 names the variable to set, with and without a key', async () => {
  await using server = await startServer(status(401))
  const apiKeyVariable = 'MY_KEY'
  const without = makeClient(server.baseUrl, { apiKeyVariable })
  const withKey = makeClient(server.baseUrl, { apiKeyVariable, environment: { MY_KEY: 'k' } })
  expect((await errorOf(without.client.complete(request))).message).toMatch(/none was sent.*MY_KEY/)
  expect((await errorOf(withKey.client.complete(request))).message).toMatch(/refused.*MY_KEY/)
  expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
})

const make = (baseUrl: string, options: Partial<ChatClientOptions> = {}) =>
  createChatClient({ model: 'm', baseUrl, environment: {}, ...options })

test('a server elsewhere needs a key or an explicit null, one on this machine needs none', () => {
  expect(() => make('https://api.openai.com/v1')).toThrow(/OPENAI_API_KEY/)
  expect(() => make('https://api.openai.com/v1', { apiKey: '' })).toThrow(/OPENAI_API_KEY/)
  expect(() => make('http://127.0.0.1.evil.example/v1')).toThrow(/OPENAI_API_KEY/)
  make('http://node7:8000/v1', { apiKey: null })
  for (const host of ['localhost:1', '127.0.0.1:1', '[::1]:1', 'judge.localhost'])
    make(`http://${host}/v1`)
})

test('a key that no header can carry is refused without being shown', () => {
  const environment = { OPENAI_API_KEY: 'sk-line\nbreak' }
  const attempt = () => createChatClient({ model: 'm', environment })
  expect(attempt).toThrow(/OPENAI_API_KEY holds blanks/)
  expect(attempt).not.toThrow(/sk-line/)
})

test('blanks around a key, as a file leaves them, do no harm', async () => {
  await using server = await startServer(good)
  await makeClient(server.baseUrl, { environment: { OPENAI_API_KEY: ' k\n' } }).client.complete(
    request,
  )
  expect(server.requests[0]?.headers.authorization).toBe('Bearer k')
})

test("an account's organization in the environment stays out of other providers' requests", async () => {
  vi.stubEnv('OPENAI_ORG_ID', 'org-1')
  await using server = await startServer(good)
  await makeClient(server.baseUrl).client.complete(request)
  vi.unstubAllEnvs()
  expect(server.requests[0]?.headers).not.toHaveProperty('openai-organization')
})

test('a redirect is not followed', async () => {
  await using target = await startServer(good)
  await using server = await startServer(status(307, { location: `${target.baseUrl}/chat` }))
  const error = await errorOf(makeClient(server.baseUrl, { apiKey: 'k' }).client.complete(request))
  expect(error).toMatchObject({ code: 'chat-request-refused', data: { status: 307 } })
  expect(error.message).toContain(`redirects to ${target.baseUrl}/chat`)
  expect(target.requests).toEqual([])
})

test.each([
  ['broken JSON', 'application/json', '{"choices": [', /not JSON/],
  ['a web page', 'text/html', '<html>Log in</html>', /not JSON/],
  ['an empty answer', 'application/json', '', /not an object/],
  ['other JSON', 'application/json', '{"result": 1}', /choices is not a list/],
])('%s is reported, not retried', async (_, type, body, message) => {
  await using server = await startServer((_served, response) => {
    response.writeHead(200, { 'content-type': type })
    response.end(body)
  })
  const error = await errorOf(makeClient(server.baseUrl).client.complete(request))
  expect(error.code).toBe('chat-malformed-response')
  expect(error.message).toMatch(message)
  expect(error.data).toMatchObject({ attempts: [{ status: 200, reason: expect.any(String) }] })
  expect(server.requests).toHaveLength(1)
})

test('where nobody ever answered, a refused connection is final; later it is waited out', async () => {
  const first = await startServer(good)
  const { baseUrl } = first
  const port = Number(new URL(baseUrl).port)
  const { client, clock } = makeClient(baseUrl)
  await client.complete(request)
  await first[Symbol.asyncDispose]()

  const stranger = makeClient(baseUrl)
  const error = await errorOf(stranger.client.complete(request))
  expect(error).toMatchObject({
    code: 'chat-unreachable',
    data: { errorCode: 'ECONNREFUSED', isUnreachable: true, attempts: [expect.anything()] },
  })
  expect(stranger.clock.delays).toEqual([])

  let second: Awaited<ReturnType<typeof startServer>> | undefined
  const sleep = clock.sleep.bind(clock)
  clock.sleep = async (delayInMs, signal) => {
    second ??= await startServer(good, port)
    return sleep(delayInMs, signal)
  }
  const { attempts } = await client.complete(request)
  expect(attempts.at(-1)).toMatchObject({ status: 200 })
  expect(attempts.length).toBeGreaterThan(1)
  await second?.[Symbol.asyncDispose]()
})

test('no more calls are under way than allowed, and all are answered', async () => {
  let now = 0
  let most = 0
  await using server = await startServer((_, response) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      sendJson(response, completionBody())
    }, 5)
  })
  const { client } = makeClient(server.baseUrl, { concurrency: 3 })
  const calls = Array.from({ length: 20 }, () => client.complete(request))
  expect(client.counters()).toMatchObject({ calls: 20 })
  await Promise.all(calls)
  expect(most).toBe(3)
  expect(server.requests).toHaveLength(20)
  expect(client.counters()).toMatchObject({ attempts: 20, waiting: 0, inFlight: 0 })
})

const reason = new Error('stop')
const silent: Answer = () => undefined

test('an abort ends a call at once: before it, on the wire, in the queue', async () => {
  await using server = await startServer(silent)
  const { client } = makeClient(server.baseUrl, { concurrency: 1 })
  await expect(client.complete(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(client.counters().calls).toBe(0)

  const onWire = new AbortController()
  const inQueue = new AbortController()
  const wire = client.complete(request, { signal: onWire.signal })
  const queued = client.complete(request, { signal: inQueue.signal })
  await vi.waitFor(() => expect(server.requests).toHaveLength(1))
  expect(client.counters()).toMatchObject({ inFlight: 1, waiting: 1 })
  inQueue.abort(reason)
  await expect(queued).rejects.toBe(reason)
  expect(client.counters()).toMatchObject({ inFlight: 1, waiting: 0, aborted: 1 })
  onWire.abort(reason)
  await expect(wire).rejects.toBe(reason)
  await vi.waitFor(() => expect(client.counters()).toMatchObject({ inFlight: 0, aborted: 2 }))
  expect(server.requests).toHaveLength(1)
  for (const { signal } of [onWire, inQueue]) expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('an abort ends the wait between attempts at once', async () => {
  await using server = await startServer(status(503))
  const controller = new AbortController()
  const { client, clock } = makeClient(server.baseUrl)
  const sleep = clock.sleep.bind(clock)
  clock.sleep = (delayInMs, signal) => {
    setImmediate(() => controller.abort(reason))
    return sleep(delayInMs * 1e6, signal)
  }
  await expect(client.complete(request, { signal: controller.signal })).rejects.toBe(reason)
  expect(server.requests).toHaveLength(1)
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
})

test('a signal shared by many calls keeps no listener of those that ended', async () => {
  await using server = await startServer(inTurn(status(500)))
  const { signal } = new AbortController()
  const { client } = makeClient(server.baseUrl)
  await Promise.all(Array.from({ length: 30 }, () => client.complete(request, { signal })))
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test.each([
  [{ model: '' }, /model is "": give the name/],
  [{ concurrency: 0 }, /concurrency is 0: give an integer of at least 1/],
  [{ concurrency: 1.5 }, /concurrency/],
  [{ maxAttempts: 0 }, /maxAttempts is 0/],
  [{ timeoutInMs: Number.NaN }, /timeoutInMs is null/],
  [{ deadlineInMs: Infinity }, /deadlineInMs/],
  [{ baseUrl: 'api.openai.com' }, /base URL/],
  [{ baseUrl: 'ftp://x/v1' }, /scheme is ftp:/],
])('the option %j is refused', (options, message) => {
  expect(() => make('http://localhost/v1', options)).toThrow(message)
})

test('a password in the base URL is refused without being shown', () => {
  expect(() => make('https://me:hush@host/v1')).toThrow(/user name or a password/)
  expect(() => make('https://me:hush@host/v1')).not.toThrow(/hush/)
})

test.each([
  [{ messages: [] }, /messages is empty/],
  [{ ...request, topLogprobs: 21 }, /topLogprobs is 21/],
  [{ ...request, maxTokens: 0 }, /maxTokens is 0/],
])('the request %j is refused before it is sent', async (bad, message) => {
  const { client } = makeClient('http://127.0.0.1:9/v1')
  await expect(client.complete(bad)).rejects.toThrow(message)
  expect(client.counters().calls).toBe(0)
})
