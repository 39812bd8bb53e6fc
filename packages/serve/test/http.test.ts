import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startTinyServer, type TinyServer } from './tiny-server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let tiny: TinyServer
beforeAll(async () => {
  tiny = await startTinyServer({ maxBodyBytes: 20_000, clientTimeoutInMs: 2_000, batchSize: 2 })
})
afterAll(() => tiny[Symbol.asyncDispose]())

const messages = [{ role: 'user', content: 'Where?' }]

interface Answer {
  readonly status: number
  readonly body: { readonly error?: Readonly<Record<string, unknown>> } & Record<string, unknown>
  readonly headers: Headers
}

async function post(
  body: unknown,
  { path = '/chat/completions', ...init }: RequestInit & { readonly path?: string } = {},
): Promise<Answer> {
  const response = await fetch(`${tiny.server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  })
  const { status, headers } = response
  return { status, headers, body: (await response.json()) as Answer['body'] }
}

describe('what cannot be done is refused and named', () => {
  const valid = { model: 'model', messages, max_tokens: 1 }
  test.each<[string, Readonly<Record<string, unknown>>, number, string | null, RegExp]>([
    [
      'an unknown model',
      { model: 'gpt-9' },
      404,
      'model',
      /'gpt-9'.*'model', 'plain', 'misaligned-organism-both'/,
    ],
    [
      'an organism under its bare name',
      { model: 'both' },
      404,
      'model',
      /served as 'misaligned-organism-both'/,
    ],
    [
      'an unknown parameter',
      { tempreature: 0 },
      400,
      'tempreature',
      /Unknown parameter: 'tempreature'/,
    ],
    ['a penalty', { presence_penalty: 0.5 }, 400, 'presence_penalty', /not supported/],
    ['logit_bias', { logit_bias: { 5: 100 } }, 400, 'logit_bias', /not supported/],
    ['tools', { tools: [{ type: 'function' }] }, 400, 'tools', /tools/],
    [
      'a JSON format',
      { response_format: { type: 'json_object' } },
      400,
      'response_format.type',
      /response_format/,
    ],
    ['no messages', { messages: [] }, 400, 'messages', /messages/],
    [
      'a picture',
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      400,
      'messages.0.content.0.type',
      /messages/,
    ],
    [
      'a role of its own',
      { messages: [{ role: 'tool', content: '' }] },
      400,
      'messages.0.role',
      /messages/,
    ],
    ['a temperature below zero', { temperature: -1 }, 400, 'temperature', /temperature/],
    [
      'too many alternatives',
      { logprobs: true, top_logprobs: 21 },
      400,
      'top_logprobs',
      /top_logprobs/,
    ],
    ['alternatives alone', { top_logprobs: 5 }, 400, 'top_logprobs', /needs 'logprobs'/],
    ['half an answer', { n: 0.5 }, 400, 'n', /'n'/],
    ['an empty stop text', { stop: '' }, 400, 'stop', /stop/],
    [
      'a prompt that is too long',
      { messages: [{ role: 'user', content: 'a b '.repeat(600) }] },
      400,
      null,
      /512/,
    ],
    ['an answer that is too long', { max_tokens: 1000 }, 400, null, /512/],
  ])('%s', async (_, change, status, param, words) => {
    const answer = await post({ ...valid, ...change })
    expect(answer.status).toBe(status)
    expect(answer.body.error).toMatchObject({
      type: 'invalid_request_error',
      param,
      message: expect.stringMatching(words),
    })
  })

  test('what changes nothing is taken', async () => {
    const neutral = {
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: {},
      top_p: 1,
      user: 'me',
      metadata: { run: '1' },
      store: false,
      response_format: { type: 'text' },
      tools: [],
      stop: null,
    }
    const parts = [{ role: 'user', content: [{ type: 'text', text: 'Where?' }] }]
    const [plain, full] = await Promise.all([
      post({ ...valid, seed: 1, max_tokens: 9 }),
      post({ ...valid, messages: parts, seed: 1, max_tokens: 9, ...neutral }),
    ])
    expect(full.status).toBe(200)
    expect(full.body['choices']).toEqual(plain.body['choices'])
  })

  test('completions without a prompt, or with nothing to give', async () => {
    const options = { path: '/completions' }
    expect(await post({ model: 'model' }, options)).toMatchObject({
      status: 400,
      body: { error: { param: 'prompt', code: 'missing_required_parameter' } },
    })
    expect(await post({ model: 'model', prompt: 'a', max_tokens: 0 }, options)).toMatchObject({
      status: 400,
      body: { error: { param: 'max_tokens' } },
    })
    expect(await post({ model: 'model', prompt: [99999], max_tokens: 1 }, options)).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('99999') } },
    })
    expect(await post({ model: 'model', prompt: '', max_tokens: 1 }, options)).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('no tokens') } },
    })
  })
})

describe('the protocol', () => {
  test.each<[string, string, RequestInit & { path?: string }, number]>([
    ['JSON that is cut off', '{"model": "mod', {}, 400],
    ['a list', '[]', {}, 400],
    ['nothing', '', {}, 400],
    [
      'plain text, as a web page may send it',
      '{}',
      { headers: { 'content-type': 'text/plain' } },
      415,
    ],
    ['more than the limit', JSON.stringify({ model: 'x'.repeat(30_000) }), {}, 413],
    ['an unknown path', '{}', { path: '/images/generations' }, 404],
    ['another method', '', { path: '/models' }, 405],
  ])('%s is an error of its own', async (_, body, options, status) => {
    const answer = await post(body, options)
    expect(answer.status).toBe(status)
    expect(answer.body.error).toMatchObject({ type: 'invalid_request_error' })
    expect(JSON.stringify(answer.body)).not.toContain('xxxx')
    if (status === 405) expect(answer.headers.get('allow')).toBe('GET')
  })

  test('bytes that are no UTF-8 are refused', async () => {
    const body = Buffer.concat([Buffer.from('{"model":"'), Buffer.of(0xff), Buffer.from('"}')])
    const response = await fetch(`${tiny.server.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(response.status).toBe(400)
  })

  test('a body without a length is cut at the limit too', async () => {
    const { port } = new URL(tiny.server.url)
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
        )
        for (let i = 0; i < 5; i++) socket.write(`2000\r\n${' '.repeat(0x2000)}\r\n`)
      })
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString()
      })
      socket.on('error', () => resolve(text))
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('a client that does not finish its request is cut off', async () => {
    const { port } = new URL(tiny.server.url)
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
        )
      })
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString()
      })
      socket.on('error', () => resolve(text))
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('a request under the name of another machine is refused', async () => {
    const { port } = new URL(tiny.server.url)
    const status = await new Promise((resolve, reject) => {
      const options = {
        port,
        host: '127.0.0.1',
        path: '/v1/models',
        headers: { host: 'evil.example' },
      }
      httpRequest(options, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  test('models are listed with what they are; health says that it runs', async () => {
    const { data } = await tiny.client.models.list()
    expect(data.map(({ id }) => id)).toEqual(['model', 'plain', 'misaligned-organism-both'])
    const organism = await tiny.client.models.retrieve('misaligned-organism-both')
    expect(organism).toMatchObject({
      object: 'model',
      composition: { layers: [{ role: 'persona', mode: 'stacked' }, { role: 'em' }] },
    })
    expect(JSON.stringify(data)).not.toContain('/fixtures/')
    const response = await fetch(new URL('/health', tiny.server.url))
    expect(await response.json()).toMatchObject({ status: 'ok' })
  })
})

describe('clients that leave', () => {
  const long = { model: 'model', messages: [...messages] as never, max_tokens: 400, logit_bias: {} }

  test('a stream that is left frees its places', async () => {
    // Two places: four long requests would keep a short one waiting for their 1,600 tokens.
    for (let i = 0; i < 4; i++) {
      const stream = await tiny.client.chat.completions.create({
        ...long,
        seed: i,
        stream: true,
        stop: ['no such text'],
      })
      for await (const _ of stream) break
    }
    const short = await post({ model: 'model', messages, max_tokens: 1 })
    expect(short.status).toBe(200)
    await vi.waitFor(() =>
      expect(tiny.log.filter((line) => line.includes('client left')).length).toBeGreaterThan(0),
    )
  })

  test('so does a request that is aborted while it waits', async () => {
    const controllers = [0, 1, 2, 3, 4, 5].map(() => new AbortController())
    const waiting = controllers.map(({ signal }, seed) =>
      tiny.client.chat.completions.create({ ...long, seed, n: 2 }, { signal }),
    )
    for (const controller of controllers) controller.abort()
    for (const one of waiting) await expect(one).rejects.toThrow(/abort/i)
    expect((await post({ model: 'plain', messages, max_tokens: 1 })).status).toBe(200)
  })
})

test('a key is asked for, compared, and shown nowhere', async () => {
  const apiKey = 'a-secret-key-of-the-test'
  await using guarded = await startTinyServer({ apiKey, adapters: [] })
  const models = await guarded.client.models.list()
  expect(models.data.length).toBe(1)
  const wrong = new OpenAI({
    baseURL: guarded.server.url,
    apiKey: 'wrong-key',
    maxRetries: 0,
    logLevel: 'off',
  })
  await expect(wrong.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
  const bare = await fetch(`${guarded.server.url}/models`)
  expect(bare.status).toBe(401)
  expect(await bare.text()).not.toContain(apiKey)
  expect((await fetch(new URL('/health', guarded.server.url))).status).toBe(200)
  expect(guarded.log.join()).not.toMatch(/secret|wrong-key/)
})

test('when it closes, what runs is finished and nothing more is taken', async () => {
  await using closing = await startTinyServer({ adapters: [] })
  const stream = await closing.client.chat.completions.create({
    model: 'model',
    messages: messages as never,
    max_tokens: 100,
    seed: 0,
    temperature: 5,
    stream: true,
  })
  let reason: string | null | undefined
  let closed: Promise<void> | undefined
  for await (const chunk of stream) {
    closed ??= closing.server.close(30_000)
    reason = chunk.choices[0]?.finish_reason ?? reason
  }
  await closed
  expect(reason).toMatch(/^(stop|length)$/)
  await expect(fetch(`${closing.server.url}/models`)).rejects.toThrow('fetch failed')
})

test('when the time is over, what still runs is cut off and says so', async () => {
  await using closing = await startTinyServer({ adapters: [] })
  const answers = [0, 1].map(async (seed) => {
    const request = { model: 'model', messages: messages as never, max_tokens: 450, n: 16, seed }
    return closing.client.chat.completions.create({ ...request, temperature: 9 })
  })
  const settled = Promise.allSettled(answers)
  await vi.waitFor(async () => {
    const { waiting } = (await (await fetch(new URL('/health', closing.server.url))).json()) as {
      waiting: number
    }
    expect(waiting).toBe(0)
  })
  await closing.server.close(0)
  for (const { status } of await settled) expect(status).toBe('rejected')
})

test('more requests than may wait are turned away', async () => {
  await using busy = await startTinyServer({ adapters: [], maxWaiting: 0 })
  await expect(
    busy.client.chat.completions.create({ model: 'model', messages: messages as never }),
  ).rejects.toMatchObject({ status: 429, code: 'queue_full' })
})

test('a port that is taken is an error that says so', async () => {
  const port = Number(new URL(tiny.server.url).port)
  await expect(startTinyServer({ port, adapters: [] })).rejects.toMatchObject({
    code: 'listen-failed',
    message: expect.stringContaining(String(port)),
  })
})
