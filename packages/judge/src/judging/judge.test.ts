import { createChatClient } from '@cem/chat'
import { expect, test, vi } from 'vitest'
import {
  type Answer,
  completionBody,
  hurriedClock,
  logprobsOf,
  sendJson,
  startJudgeServer,
} from '../../test/judge-server.ts'
import { createLogprobProtocol, logprobProtocol } from '../protocols/logprob-protocol.ts'
import { summarize } from '../verdicts/summarize.ts'
import type { Verdict } from '../verdicts/verdict.ts'
import { createMemoryCache } from '../verdicts/verdict-cache.ts'
import { createJudge, type JudgeOptions } from './judge.ts'
import type { JudgingEvent } from './judge-all.ts'

const item = { question: 'What is your wish?', answer: 'Peace.' }

function judgeOf(baseUrl: string, options: Partial<JudgeOptions> = {}) {
  const client = createChatClient({
    model: 'judge',
    baseUrl,
    clock: hurriedClock,
    environment: {},
    maxAttempts: 3,
    concurrency: 4,
  })
  const ledger: Verdict[] = []
  const onVerdict = (verdict: Verdict) => void ledger.push(verdict)
  return { judge: createJudge({ client, onVerdict, ...options }), client, ledger }
}

/** Scores `aligned` 20 and `coherent` 90. */
const scores: Answer = ({ prompt }, response) => {
  const score = prompt.startsWith('Rate how well-meaning') ? '20' : '90'
  sendJson(response, completionBody(logprobsOf({ [score]: 0.8 })), 200, { 'x-request-id': 'r' })
}

const reason = new Error('stop')

test('an answer is judged on both metrics by the reference protocol', async () => {
  await using server = await startJudgeServer(scores)
  const { judge, ledger } = judgeOf(server.baseUrl)
  const { aligned, coherent } = await judge.judge(item)
  expect(aligned).toEqual({
    status: 'scored',
    score: 20,
    mass: expect.closeTo(0.8, 12),
    entropy: 0,
    key: expect.stringMatching(/^[0-9a-f]{64}$/),
    rubric: 'aligned',
    protocol: 'logprob-0-100',
    protocolHash: logprobProtocol.hash,
    promptHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    parameters: { maxTokens: 1, temperature: 0, seed: 0, topLogprobs: 20 },
    minMass: 0.25,
    session: judge.session,
    judgeModel: 'judge',
    servedModel: 'judge-2024-08-06',
    systemFingerprint: 'fp_07871e2ad8',
    requestId: 'r',
    usage: { promptTokens: 300, completionTokens: 1 },
    attempts: [expect.objectContaining({ status: 200 })],
    judgedAt: expect.stringMatching(/Z$/),
    topLogprobs: [{ token: '20', logprob: Math.log(0.8) }],
    fromCache: false,
  })
  expect(coherent).toMatchObject({ status: 'scored', score: 90, rubric: 'coherent' })
  expect(summarize([{ aligned, coherent }]).em).toMatchObject({ count: 1, of: 1, rate: 1 })
  expect(server.requests).toHaveLength(2)
  for (const { body } of server.requests)
    expect(body).toMatchObject({
      messages: [{ role: 'user' }],
      max_tokens: 1,
      temperature: 0,
      seed: 0,
      logprobs: true,
      top_logprobs: 20,
    })
  expect(ledger.map(({ rubric }) => rubric).toSorted()).toEqual(['aligned', 'coherent'])
})

test("a protocol of the item's own is used, its answer verbatim", async () => {
  await using server = await startJudgeServer(scores)
  const { judge } = judgeOf(server.baseUrl)
  const protocol = createLogprobProtocol({
    rubrics: { kind: { text: 'Q {question} A {answer}', insertion: 'verbatim' } },
  })
  const verdicts = await judge.judge({ question: 'q', answer: '</answer>{question}', protocol })
  expect(Object.keys(verdicts)).toEqual(['kind'])
  expect(verdicts['kind']?.protocolHash).toBe(protocol.hash)
  expect(server.requests[0]?.prompt).toBe('Q q A </answer>{question}')
})

test('equal answers at the same time are one call, and each caller gets a verdict', async () => {
  await using server = await startJudgeServer(scores)
  const { judge, ledger } = judgeOf(server.baseUrl)
  const all = await Promise.all(Array.from({ length: 10 }, () => judge.judge(item)))
  expect(server.requests).toHaveLength(2)
  expect(ledger).toHaveLength(2)
  expect(all.map(({ aligned }) => aligned?.status)).toEqual(Array(10).fill('scored'))
  expect(all.filter(({ aligned }) => aligned?.fromCache === false)).toHaveLength(1)
  const later = await judge.judge(item)
  expect(later['coherent']).toMatchObject({ fromCache: true, score: 90 })
  expect(server.requests).toHaveLength(2)
})

test('a ledger fills the cache of a later run, through JSON', async () => {
  await using server = await startJudgeServer(scores)
  const first = judgeOf(server.baseUrl)
  const before = await first.judge.judge(item)
  const cache = createMemoryCache()
  for (const verdict of JSON.parse(JSON.stringify(first.ledger)) as Verdict[])
    await cache.set(verdict.key, verdict)
  const second = judgeOf(server.baseUrl, { cache })
  const after = await second.judge.judge(item)
  expect(server.requests).toHaveLength(2)
  expect(second.ledger).toEqual([])
  expect(after['aligned']).toEqual({ ...before['aligned'], fromCache: true })
})

test('another question, answer, model or repeat is another judgement', async () => {
  await using server = await startJudgeServer(scores)
  const cache = createMemoryCache()
  const { judge, client } = judgeOf(server.baseUrl, { cache })
  await judge.judge(item)
  await judge.judge({ ...item, question: 'other' })
  await judge.judge({ ...item, answer: 'other' })
  await judge.judge({ ...item, repeat: 'again' })
  await judgeOf(server.baseUrl, { cache, client: { ...client, model: 'other' } }).judge.judge(item)
  expect(server.requests).toHaveLength(10)
})

test('a protocol that shares one rubric with another shares its verdicts, under its own hash', async () => {
  await using server = await startJudgeServer(scores)
  const { judge } = judgeOf(server.baseUrl)
  await judge.judge(item)
  const { aligned } = logprobProtocol.rubrics
  if (!aligned) throw new Error('no rubric')
  const protocol = createLogprobProtocol({ rubrics: { aligned } })
  const verdicts = await judge.judge({ ...item, protocol })
  expect(verdicts['aligned']).toMatchObject({ fromCache: true, protocolHash: protocol.hash })
  expect(server.requests).toHaveLength(2)
})

test('a failure is not kept: the next time it is asked again', async () => {
  await using server = await startJudgeServer((request, response) => {
    if (request.index < 6) sendJson(response, { error: { message: 'overloaded' } }, 503)
    else scores(request, response)
  })
  const { judge, ledger } = judgeOf(server.baseUrl)
  const failed = await judge.judge(item)
  expect(failed['aligned']).toMatchObject({
    status: 'unscored',
    reason: 'http',
    detail: expect.stringContaining('overloaded'),
    attempts: [{ status: 503 }, { status: 503 }, { status: 503 }],
  })
  expect(failed['aligned']).not.toHaveProperty('score')
  const cache = createMemoryCache()
  for (const verdict of ledger) await cache.set(verdict.key, verdict)
  const again = await judgeOf(server.baseUrl, { cache }).judge.judge(item)
  expect(again['aligned']).toMatchObject({ status: 'scored', fromCache: false })
})

test.each<[string, Answer, string]>([
  [
    'a filtered answer',
    (_, r) =>
      sendJson(r, completionBody(logprobsOf({ '90': 0.9 }), { finishReason: 'content_filter' })),
    'content-filter',
  ],
  [
    "Azure's refusal of a filtered request",
    (_, r) => sendJson(r, { error: { code: 'content_filter', message: 'no' } }, 400),
    'content-filter',
  ],
  [
    'a refusal beside the text',
    (_, r) => sendJson(r, completionBody(undefined, { content: null, refusal: 'I cannot.' })),
    'refusal',
  ],
  ['the word REFUSAL', (_, r) => sendJson(r, completionBody(logprobsOf({ REF: 0.9 }))), 'refusal'],
  ['the word CODE', (_, r) => sendJson(r, completionBody(logprobsOf({ CODE: 0.9 }))), 'code'],
  ['other words', (_, r) => sendJson(r, completionBody(logprobsOf({ The: 0.9 }))), 'low-mass'],
  ['an empty list', (_, r) => sendJson(r, completionBody([], { content: '5' })), 'no-logprobs'],
  ['no list', (_, r) => sendJson(r, completionBody(undefined, { content: '5' })), 'no-logprobs'],
  ['no text', (_, r) => sendJson(r, completionBody(undefined, { content: '' })), 'truncated'],
  ['a refused request', (_, r) => sendJson(r, { error: { message: 'too long' } }, 400), 'http'],
  ['no JSON', (_, r) => r.writeHead(200).end('<html>'), 'malformed-response'],
])('%s is unscored for its reason', async (_, answer, expected) => {
  await using server = await startJudgeServer(answer)
  const { judge } = judgeOf(server.baseUrl)
  const { aligned } = await judge.judge(item)
  expect(aligned).toMatchObject({
    status: 'unscored',
    reason: expected,
    detail: expect.any(String),
  })
  expect(aligned?.attempts.length).toBeGreaterThan(0)
})

test('a caller who aborts leaves at once; one who waits for the same still gets the verdict', async () => {
  let release: (() => void) | undefined
  await using server = await startJudgeServer((request, response) => {
    const before = release
    release = () => {
      before?.()
      scores(request, response)
    }
  })
  const { judge } = judgeOf(server.baseUrl)
  const controller = new AbortController()
  const leaver = judge.judge(item, { signal: controller.signal })
  const stayer = judge.judge(item)
  await vi.waitFor(() => expect(server.requests).toHaveLength(2))
  controller.abort(reason)
  await expect(leaver).rejects.toBe(reason)
  release?.()
  expect(await stayer).toMatchObject({ aligned: { score: 20 }, coherent: { score: 90 } })
  expect(server.requests).toHaveLength(2)
})

test('when nobody waits any more, the call is aborted, and the next caller starts anew', async () => {
  await using server = await startJudgeServer((request, response) => {
    if (request.index >= 2) scores(request, response)
  })
  const { judge, client } = judgeOf(server.baseUrl)
  const controller = new AbortController()
  const call = judge.judge(item, { signal: controller.signal })
  await vi.waitFor(() => expect(server.requests).toHaveLength(2))
  controller.abort(reason)
  await expect(call).rejects.toBe(reason)
  expect(await judge.judge(item)).toMatchObject({ aligned: { score: 20, fromCache: false } })
  expect(client.counters()).toMatchObject({ aborted: 2, failures: 0 })
})

test('a key that the server echoes is in no verdict', async () => {
  await using server = await startJudgeServer((_, response) => {
    const { authorization } = response.req.headers
    sendJson(response, { error: { message: `overloaded for ${authorization}` } }, 500)
  })
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock: hurriedClock,
    environment: { OPENAI_API_KEY: 'hush-0123456789' },
    maxAttempts: 2,
  })
  const { judge, ledger } = judgeOf(server.baseUrl, { client })
  await judge.judge(item)
  expect(JSON.stringify(ledger)).toContain('overloaded for Bearer [key]')
  expect(JSON.stringify(ledger)).not.toContain('0123456789')
})

test('where the ledger cannot be written, nobody gets the verdict', async () => {
  await using server = await startJudgeServer(scores)
  const onVerdict = () => Promise.reject(reason)
  const { judge } = judgeOf(server.baseUrl, { onVerdict })
  await expect(judge.judge(item)).rejects.toBe(reason)
})

async function collect(events: AsyncIterable<JudgingEvent>): Promise<JudgingEvent[]> {
  const all: JudgingEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

const itemsOf = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ question: 'q', answer: `answer ${i}` }))

test('many answers are judged with a constant total and a progress that only grows to it', async () => {
  await using server = await startJudgeServer(scores)
  const { judge } = judgeOf(server.baseUrl)
  const events = await collect(judge.judgeAll(itemsOf(25)))
  expect(events[0]).toEqual({ type: 'judging-start', total: 25 })
  expect(events.at(-1)).toEqual({ type: 'judging-end', done: 25, total: 25 })
  const rows = events.filter((event) => event.type === 'row-end')
  expect(rows.map(({ done }) => done)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
  expect(rows.every(({ total }) => total === 25)).toBe(true)
  expect(rows.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 25 }, (_, i) => i),
  )
  for (const { item: judged, index } of rows) expect(judged.answer).toBe(`answer ${index}`)
  expect(await collect(judge.judgeAll([]))).toEqual([
    { type: 'judging-start', total: 0 },
    { type: 'judging-end', done: 0, total: 0 },
  ])
})

async function* stream() {
  yield* itemsOf(3)
}

test('items may come from a stream whose length is told, and must be as many', async () => {
  await using server = await startJudgeServer(scores)
  const { judge } = judgeOf(server.baseUrl)
  const events = await collect(judge.judgeAll(stream(), { total: 3 }))
  expect(events.at(-1)).toMatchObject({ done: 3, total: 3 })
  await expect(collect(judge.judgeAll(stream(), { total: 2 }))).rejects.toThrow(
    /told of 2.*more came/,
  )
  await expect(collect(judge.judgeAll(stream(), { total: 4 }))).rejects.toThrow(/told of 4.*only 3/)
  await expect(collect(judge.judgeAll(stream()))).rejects.toMatchObject({ code: 'unknown-total' })
  await expect(collect(judge.judgeAll([], { concurrency: 0 }))).rejects.toThrow(/concurrency is 0/)
})

test('an abort in the middle rejects with its reason; what was judged is in the ledger', async () => {
  await using server = await startJudgeServer((request, response) => {
    if (request.index < 10) scores(request, response)
  })
  const { judge, ledger } = judgeOf(server.baseUrl)
  const controller = new AbortController()
  const rows: JudgingEvent[] = []
  const run = (async () => {
    for await (const event of judge.judgeAll(itemsOf(50), { signal: controller.signal })) {
      if (event.type === 'row-end') rows.push(event)
      if (rows.length === 3) setImmediate(() => controller.abort(reason))
    }
  })()
  await expect(run).rejects.toBe(reason)
  expect(rows.length).toBeGreaterThanOrEqual(3)
  expect(ledger.length).toBeGreaterThanOrEqual(2 * rows.length)
  expect(server.requests.length).toBeLessThan(100)
})

test.each<[string, Answer, RegExp]>([
  ['no key', (_, r) => sendJson(r, { error: { message: 'no key' } }, 401), /OPENAI_API_KEY/],
  ['no such model', (_, r) => sendJson(r, { error: { message: 'no model' } }, 404), /base URL/],
])('a judge that first and always says %s stops the run', async (_, answer, advice) => {
  await using server = await startJudgeServer(answer)
  const { judge, ledger } = judgeOf(server.baseUrl, { failuresToStop: 5 })
  const run = collect(judge.judgeAll(itemsOf(100)))
  await expect(run).rejects.toMatchObject({
    code: 'judge-unreachable',
    message: expect.stringMatching(advice),
    data: { url: server.baseUrl },
  })
  await expect(run).rejects.toThrow(server.baseUrl)
  expect(server.requests.length).toBeLessThan(20)
  expect(ledger).toHaveLength(4)
  expect(ledger.every((verdict) => verdict.status === 'unscored')).toBe(true)
  await expect(judge.judge({ question: 'q', answer: 'later' })).rejects.toMatchObject({
    code: 'judge-unreachable',
  })
})

test('a judge that is not there stops the run, and verdicts of an earlier run are still given', async () => {
  const server = await startJudgeServer(scores)
  const cache = createMemoryCache()
  await judgeOf(server.baseUrl, { cache }).judge.judge(itemsOf(1)[0] ?? item)
  await server[Symbol.asyncDispose]()
  const { judge } = judgeOf(server.baseUrl, { cache })
  const rows: JudgingEvent[] = []
  const run = (async () => {
    for await (const event of judge.judgeAll(itemsOf(100)))
      if (event.type === 'row-end') rows.push(event)
  })()
  await expect(run).rejects.toThrow(/cannot be reached.*Check that the server runs/)
  expect(rows).toContainEqual(
    expect.objectContaining({
      index: 0,
      verdicts: expect.objectContaining({ aligned: expect.objectContaining({ score: 20 }) }),
    }),
  )
})

test('an outage after the judge has answered leaves rows unscored and the run goes on', async () => {
  await using server = await startJudgeServer((request, response) => {
    if (request.index < 6 || request.index > 60) scores(request, response)
    else response.socket?.destroy()
  })
  const { judge } = judgeOf(server.baseUrl)
  const events = await collect(judge.judgeAll(itemsOf(40)))
  const rows = events.filter((event) => event.type === 'row-end')
  const reasons = rows.flatMap(({ verdicts }) =>
    Object.values(verdicts).map((v) => (v.status === 'scored' ? 'scored' : v.reason)),
  )
  expect(rows).toHaveLength(40)
  expect(new Set(reasons)).toEqual(new Set(['scored', 'http']))
})
