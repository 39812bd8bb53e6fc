import { expect, test } from 'vitest'
import { type Answer, completionBody, drip, sendJson, startServer } from '../test/fault-server.ts'
import { hurriedClock } from '../test/hurried-clock.ts'
import { createChatClient } from './chat-client.ts'
import type { ChatClientOptions } from './chat-client-options.ts'
import { createCostBudget, isCostLimitError } from './cost/cost-budget.ts'

/** A dollar for a million tokens of prompts, two of answers. */
const prices = { inputPerMillion: 1, outputPerMillion: 2 }
const request = { messages: [{ role: 'user', content: 'How good is it?' }], maxTokens: 10 } as const

const make = (baseUrl: string, options: Partial<ChatClientOptions> = {}) =>
  createChatClient({
    model: 'judge',
    baseUrl,
    clock: hurriedClock(),
    environment: {},
    prices,
    ...options,
  })

const answerWith =
  (usage: object | undefined, status = 200): Answer =>
  (_, response) =>
    sendJson(response, { ...completionBody(), usage }, status)

/** Costs 50 + 5 * 2 = 60 millionths. */
const cheap = answerWith({ prompt_tokens: 50, completion_tokens: 5 })

test.each([1, 8, 40])(
  'with %i calls at once, exactly those are begun whose worst case fits, and no other',
  async (concurrency) => {
    await using server = await startServer(cheap)
    // {"model":"judge","messages":[{"role":"user","content":"How good is it?"}],"max_tokens":10} has 90 bytes; with 64 + 16 of a
    // template and 10 of the answer at twice the price, the worst case is 190 millionths.
    const worstUsd = 190e-6
    expect(make(server.baseUrl).estimateCost([request]).mostUsd).toBeCloseTo(worstUsd, 15)
    // 12 calls are spent with 720; a 13th could make 910, a 14th 970, which is too much.
    const client = make(server.baseUrl, { concurrency, maxCostUsd: 910e-6 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, () => client.complete(request)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(13)
    expect(server.requests).toHaveLength(13)
    const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(errors.every(isCostLimitError)).toBe(true)
    expect(errors[0].data).toEqual({
      maxUsd: 910e-6,
      spentUsd: expect.closeTo(780e-6, 12),
      possibleUsd: 0,
      worstCaseUsd: expect.closeTo(worstUsd, 12),
    })
    expect(client.counters()).toMatchObject({
      costUsd: expect.closeTo(780e-6, 12),
      possibleCostUsd: 0,
      failures: 27,
      waiting: 0,
      inFlight: 0,
    })
  },
)

test('a limit below the first worst case begins nothing', async () => {
  await using server = await startServer(cheap)
  const client = make(server.baseUrl, { maxCostUsd: 189e-6 })
  await expect(client.complete(request)).rejects.toMatchObject({ code: 'cost-limit' })
  expect(server.requests).toEqual([])
})

test('a failed attempt that reports its usage is paid', async () => {
  const failed = answerWith({ prompt_tokens: 100, completion_tokens: 10 }, 500)
  await using server = await startServer((served, response) =>
    served.index === 0 ? failed(served, response) : cheap(served, response),
  )
  const client = make(server.baseUrl)
  await client.complete(request)
  expect(client.counters()).toMatchObject({
    promptTokens: 150,
    completionTokens: 15,
    costUsd: expect.closeTo(180e-6, 12),
    attemptsOfUnknownUsage: 0,
  })
})

test('a malformed answer that reports its usage is paid, one that reports none may be', async () => {
  await using server = await startServer(({ index }, response) =>
    sendJson(response, index === 0 ? { usage: { prompt_tokens: 50, completion_tokens: 5 } } : {}),
  )
  const client = make(server.baseUrl)
  for (let i = 0; i < 2; i++)
    await expect(client.complete(request)).rejects.toMatchObject({
      code: 'chat-malformed-response',
    })
  expect(client.counters()).toMatchObject({
    costUsd: expect.closeTo(60e-6, 12),
    possibleCostUsd: expect.closeTo(190e-6, 12),
    attemptsOfUnknownUsage: 1,
  })
})

test('what a timeout, a broken connection and an abort may cost counts against the limit', async () => {
  const controller = new AbortController()
  await using server = await startServer((served, response) => {
    if (served.index === 0) return drip(served, response)
    if (served.index === 1) return void response.socket?.resetAndDestroy()
    if (served.index === 2) return controller.abort(new Error('enough'))
    cheap(served, response)
  })
  // Three worst cases of 190 are possible; a fourth call fits, a fifth does not.
  const client = make(server.baseUrl, { maxCostUsd: 760e-6, timeoutInMs: 500 })
  await expect(client.complete(request, { signal: controller.signal })).rejects.toThrow('enough')
  expect(client.counters()).toMatchObject({
    attemptsOfUnknownUsage: 3,
    costUsd: 0,
    possibleCostUsd: expect.closeTo(570e-6, 12),
  })
  await client.complete(request)
  await expect(client.complete(request)).rejects.toMatchObject({
    code: 'cost-limit',
    data: { spentUsd: expect.closeTo(60e-6, 12), possibleUsd: expect.closeTo(570e-6, 12) },
  })
})

test('a retry that does not fit is not sent, and the attempts before are told', async () => {
  await using server = await startServer(
    answerWith({ prompt_tokens: 100, completion_tokens: 10 }, 500),
  )
  // The first attempt costs 120; a second could cost 190 more.
  const client = make(server.baseUrl, { maxCostUsd: 300e-6 })
  await expect(client.complete(request)).rejects.toMatchObject({
    code: 'cost-limit',
    data: { spentUsd: expect.closeTo(120e-6, 12), earlierAttempts: [{ status: 500 }] },
  })
  expect(server.requests).toHaveLength(1)
})

test('an error with a status and a refused connection cost nothing', async () => {
  await using server = await startServer((_, response) => sendJson(response, {}, 400))
  const client = make(server.baseUrl)
  await expect(client.complete(request)).rejects.toMatchObject({ code: 'chat-request-refused' })
  const gone = await startServer(cheap)
  await gone[Symbol.asyncDispose]()
  const stranger = make(gone.baseUrl)
  await expect(stranger.complete(request)).rejects.toMatchObject({ code: 'chat-unreachable' })
  for (const one of [client, stranger])
    expect(one.counters()).toMatchObject({ costUsd: 0, possibleCostUsd: 0 })
})

test('without prices the cost is null, never a number', async () => {
  await using server = await startServer(cheap)
  const client = createChatClient({ model: 'judge', baseUrl: server.baseUrl, environment: {} })
  await client.complete(request)
  expect(client.counters()).toMatchObject({ costUsd: null, possibleCostUsd: null })
  expect(client.estimateCost([request])).toMatchObject({ usd: null, mostUsd: null })
})

test('tokens read from the cache have their own price', async () => {
  const usage = {
    prompt_tokens: 1000,
    completion_tokens: 1,
    prompt_tokens_details: { cached_tokens: 600 },
  }
  await using server = await startServer(answerWith(usage))
  const client = make(server.baseUrl, { prices: { ...prices, cachedInputPerMillion: 0.1 } })
  await client.complete(request)
  expect(client.counters()).toMatchObject({
    cachedPromptTokens: 600,
    // 400 + 60 + 2
    costUsd: expect.closeTo(462e-6, 12),
  })
})

test('clients that share a budget stop together', async () => {
  await using server = await startServer(cheap)
  const costBudget = createCostBudget({ maxUsd: 400e-6, alreadySpentUsd: 100e-6 })
  const [a, b] = [0, 1].map(() => make(server.baseUrl, { costBudget }))
  await a?.complete(request)
  await b?.complete(request)
  await expect(a?.complete(request)).rejects.toMatchObject({ data: { spentUsd: 220e-6 } })
  expect(server.requests).toHaveLength(2)
})

test('events carry the running totals', async () => {
  await using server = await startServer(cheap)
  const costs: unknown[] = []
  const client = make(server.baseUrl, {
    onEvent: (event) => 'counters' in event && costs.push([event.type, event.counters.costUsd]),
  })
  await client.complete(request)
  await client.complete(request)
  expect(costs).toEqual([
    ['attempt-end', 60e-6],
    ['call-end', 60e-6],
    ['attempt-end', 120e-6],
    ['call-end', 120e-6],
  ])
})

test.each<[Partial<ChatClientOptions>, RegExp]>([
  [{ maxCostUsd: -1 }, /maxUsd is -1/],
  [{ costBudget: createCostBudget({ maxUsd: 1 }), maxCostUsd: 1 }, /maxCostUsd.*costBudget/],
  [{ prices: { inputPerMillion: -1, outputPerMillion: 1 } }, /prices.inputPerMillion/],
])('the options %j are refused', (options, message) => {
  expect(() => make('http://localhost/v1', options)).toThrow(message)
})

test('a limit without prices is refused, and so is a request without a longest answer', async () => {
  const options = { model: 'm', baseUrl: 'http://localhost/v1', environment: {}, maxCostUsd: 1 }
  expect(() => createChatClient(options)).toThrow(/cannot be kept without prices/)
  await expect(
    make('http://localhost/v1', { maxCostUsd: 1 }).complete({ messages: request.messages }),
  ).rejects.toMatchObject({ code: 'bad-chat-request' })
})
