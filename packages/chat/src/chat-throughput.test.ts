import { randomSource } from '@cem/core'
import { expect, test, vi } from 'vitest'
import { manualClock, runUntil } from '../test/clocks.ts'
import {
  type Answer,
  completionBody,
  drip,
  faults,
  sendJson,
  startServer,
} from '../test/fault-server.ts'
import { hurriedClock } from '../test/hurried-clock.ts'
import type { Attempt } from './attempt.ts'
import { createChatClient } from './chat-client.ts'
import type { ChatEvent } from './chat-events.ts'
import { createRateLimiter } from './limiter/rate-limiter.ts'

// Thousands of real HTTP requests.
vi.setConfig({ testTimeout: 120_000 })

const ask = (content: string) => ({ messages: [{ role: 'user', content }], maxTokens: 1 }) as const
const good: Answer = (_, response) => sendJson(response, completionBody())
const startOf = ({ startedAt }: Attempt) => Date.parse(startedAt)

/** The most that begins within any span of this length. */
function mostWithin(
  starts: readonly number[],
  spanInMs: number,
  costs?: readonly number[],
): number {
  const ordered = starts
    .map((at, i) => ({ at, cost: costs?.[i] ?? 1 }))
    .toSorted((a, b) => a.at - b.at)
  let most = 0
  for (const [i, { at }] of ordered.entries()) {
    let sum = 0
    for (const later of ordered.slice(i)) if (later.at < at + spanInMs) sum += later.cost
    most = Math.max(most, sum)
  }
  return most
}

test('no more requests begin in any minute than may, failed ones counted, and all are answered', async () => {
  await using server = await startServer((served, response) =>
    served.index % 7 === 3 ? sendJson(response, {}, 500) : good(served, response),
  )
  const clock = manualClock()
  const attempts: Attempt[] = []
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock,
    seed: 1,
    environment: {},
    requestsPerMinute: 100,
    deadlineInMs: 2e9,
    onEvent: (event) => event.type === 'attempt-end' && attempts.push(event.attempt),
  })
  const calls = Array.from({ length: 180 }, (_, i) => client.complete(ask(`${i}`)))
  const answers = await runUntil(Promise.all(calls), clock)
  expect(answers).toHaveLength(180)
  expect(attempts.length).toBeGreaterThan(180)
  expect(server.requests).toHaveLength(attempts.length)
  expect(mostWithin(attempts.map(startOf), 60_000)).toBeLessThanOrEqual(100)
  // And the budget is used: a tenth each six seconds.
  expect(mostWithin(attempts.map(startOf), 60_000)).toBeGreaterThan(80)
})

test('no more tokens begin in any minute than may; what answers really cost is counted', async () => {
  await using server = await startServer(good)
  const clock = manualClock()
  const attempts: Attempt[] = []
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock,
    environment: {},
    tokensPerMinute: 10_000,
    deadlineInMs: 2e9,
    // As the server counts: 312 for the prompt, 1 for the answer.
    countTokens: () => 308,
    onEvent: (event) => event.type === 'attempt-end' && attempts.push(event.attempt),
  })
  const calls = Array.from({ length: 60 }, (_, i) => client.complete(ask(`${i}`)))
  await runUntil(Promise.all(calls), clock)
  const starts = attempts.map(startOf)
  // 31 requests of 313 tokens fit into 10 000.
  expect(mostWithin(starts, 60_000)).toBeLessThanOrEqual(31)
  expect(mostWithin(starts, 60_000)).toBeGreaterThan(25)
})

test('requests at once rise to the most while all is well', async () => {
  let now = 0
  let most = 0
  await using server = await startServer((_, response) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      sendJson(response, completionBody())
    }, 50)
  })
  const events: ChatEvent[] = []
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock: hurriedClock(),
    environment: {},
    concurrency: 40,
    initialConcurrency: 2,
    onEvent: (event) => events.push(event),
  })
  await Promise.all(Array.from({ length: 200 }, (_, i) => client.complete(ask(`${i}`))))
  expect(most).toBe(40)
  expect(events.filter(({ type }) => type === 'concurrency-change')).toHaveLength(38)
})

test('a server that bears only so many at once is found out, and no call is lost', async () => {
  const bears = 12
  let now = 0
  let nRefused = 0
  let mostLater = 0
  await using server = await startServer((served, response) => {
    now++
    if (served.index > 600) mostLater = Math.max(mostLater, now)
    const isTooMuch = now > bears
    if (isTooMuch) nRefused++
    setTimeout(() => {
      now--
      if (isTooMuch) sendJson(response, {}, 429, { 'retry-after-ms': '20' })
      else sendJson(response, completionBody())
    }, 3)
  })
  const events: ChatEvent[] = []
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock: hurriedClock(),
    environment: {},
    seed: 1,
    concurrency: 64,
    maxAttempts: 30,
    onEvent: (event) => events.push(event),
  })
  const answers = await Promise.all(
    Array.from({ length: 1500 }, (_, i) => client.complete(ask(`${i}`))),
  )
  expect(answers).toHaveLength(1500)
  const changes = events.filter((event) => event.type === 'concurrency-change')
  expect(changes.some(({ reason }) => reason === 'overload')).toBe(true)
  expect(changes.some(({ reason }) => reason === 'recovery')).toBe(true)
  // It stays about what the server bears: with a fixed 64 most requests would be refused.
  expect(mostLater).toBeLessThanOrEqual(2 * bears)
  expect(nRefused).toBeLessThan(1500 * 0.25)
  expect(client.limiterState()).toMatchObject({ inFlight: 0, waiting: 0, overloads: nRefused })
})

test('a server that refuses everything for a while loses no call, and is asked little meanwhile', async () => {
  const clock = manualClock()
  const down = clock.now() + 120_000
  let nRefused = 0
  await using server = await startServer((served, response) => {
    if (clock.now() >= down) return good(served, response)
    nRefused++
    sendJson(response, { error: { message: 'rate limit' } }, 429, { 'retry-after': '1' })
  })
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock,
    seed: 1,
    environment: {},
  })
  const calls = Array.from({ length: 300 }, (_, i) => client.complete(ask(`${i}`)))
  expect(await runUntil(Promise.all(calls), clock)).toHaveLength(300)
  // One request a second at most after the first sixteen, and those that were under way.
  expect(nRefused).toBeGreaterThan(16)
  expect(nRefused).toBeLessThan(160)
})

test('clients that share a limiter share its places', async () => {
  let now = 0
  let most = 0
  await using server = await startServer((_, response) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      sendJson(response, completionBody())
    }, 3)
  })
  const limiter = createRateLimiter({ concurrency: 3, adaptive: false })
  const clients = ['a', 'b'].map((model) =>
    createChatClient({ model, baseUrl: server.baseUrl, limiter, environment: {} }),
  )
  await Promise.all(
    clients.flatMap((client) => Array.from({ length: 15 }, (_, i) => client.complete(ask(`${i}`)))),
  )
  expect(clients.map(({ concurrency }) => concurrency)).toEqual([3, 3])
  expect(most).toBe(3)
  expect(server.requests).toHaveLength(30)
})

test('of 5,000 calls through a storm none is lost, none answered twice, none with the answer of another', async () => {
  const nCalls = 5000
  const random = randomSource('chat-storm', 1)
  const names = Object.keys(faults)
  const met = new Map<string, number>()
  const answered = new Map<string, number>()
  const kinds = new Map<string, number>()
  let nDrips = 0
  await using server = await startServer((served, response) => {
    const { content } = (served.body['messages'] as [{ content: string }])[0]
    const n = met.get(content) ?? 0
    if (n < 5 && random.uniform() < 0.3) {
      met.set(content, n + 1)
      if (nDrips < 5 && random.uniform() < 0.05) {
        nDrips++
        return drip(served, response)
      }
      const name = names[random.integer(names.length)] ?? ''
      kinds.set(name, (kinds.get(name) ?? 0) + 1)
      return faults[name]?.(served, response)
    }
    answered.set(content, (answered.get(content) ?? 0) + 1)
    if (Number(content) % 50 === 0) {
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end('{"choices": [{"message": {"content": "70"')
    }
    sendJson(response, completionBody({ text: content }))
  })
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock: hurriedClock(),
    environment: {},
    seed: 1,
    concurrency: 64,
    timeoutInMs: 1500,
    maxAttempts: 9,
  })
  const outcomes = await Promise.allSettled(
    Array.from({ length: nCalls }, (_, i) => client.complete(ask(String(i)))),
  )
  for (const [i, outcome] of outcomes.entries()) {
    if (i % 50 === 0) expect(outcome).toMatchObject({ reason: { code: 'chat-malformed-response' } })
    else expect(outcome).toMatchObject({ status: 'fulfilled', value: { text: String(i) } })
  }
  expect(answered.size).toBe(nCalls)
  expect([...answered.values()].every((n) => n === 1)).toBe(true)
  expect(client.counters()).toMatchObject({
    calls: nCalls,
    failures: nCalls / 50,
    inFlight: 0,
    waiting: 0,
    promptTokens: 312 * (nCalls - nCalls / 50),
    completionTokens: nCalls - nCalls / 50,
  })
  expect(client.limiterState()).toMatchObject({ inFlight: 0, waiting: 0 })
  // And there was something to withstand.
  expect(kinds.size).toBe(names.length)
  expect(nDrips).toBe(5)
  expect([...met.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThan(1000)
})
