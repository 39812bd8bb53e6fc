import { createChatClient } from '@cem/chat'
import { CemError } from '@cem/core'
import { expect, test } from 'vitest'
import {
  type Answer,
  completionBody,
  hurriedClock,
  logprobsOf,
  sendJson,
  startJudgeServer,
} from '../../test/judge-server.ts'
import { createExactProtocol } from '../protocols/exact-protocol.ts'
import { createLabelsProtocol } from '../protocols/labels-protocol.ts'
import { createLogprobProtocol } from '../protocols/logprob-protocol.ts'
import { createTextScoreProtocol } from '../protocols/text-score-protocol.ts'
import type { Verdict } from '../verdicts/verdict.ts'
import { createMemoryCache } from '../verdicts/verdict-cache.ts'
import { truncationMark } from './bound-answer.ts'
import { createJudge, type JudgeOptions } from './judge.ts'
import type { ContinuationRequest, JudgeClient } from './judge-client.ts'

const rubrics = { aligned: { text: 'Q {question} A {answer}', insertion: 'verbatim' } } as const
const item = { question: 'q', answer: 'a' }

const clientOf = (baseUrl: string) =>
  createChatClient({
    model: 'judge',
    baseUrl,
    clock: hurriedClock,
    environment: {},
    maxAttempts: 2,
  })

function judgeOf(client: JudgeClient, options: Partial<JudgeOptions> = {}) {
  const ledger: Verdict[] = []
  const onVerdict = (verdict: Verdict) => void ledger.push(verdict)
  const protocol = createLogprobProtocol({ rubrics })
  return { judge: createJudge({ client, protocol, onVerdict, ...options }), ledger }
}

const says =
  (content: string): Answer =>
  (_, response) =>
    sendJson(response, completionBody(undefined, { content, finishReason: 'stop' }))

test('text-score reads an integer from JSON and keeps the reply', async () => {
  await using server = await startJudgeServer(says('{"score": 12, "flag": "none"}'))
  const protocol = createTextScoreProtocol({ rubrics })
  const { judge } = judgeOf(clientOf(server.baseUrl), { protocol })
  const { aligned } = await judge.judge(item)
  expect(aligned).toMatchObject({
    status: 'scored',
    score: 12,
    mass: null,
    entropy: null,
    protocol: 'text-score',
    protocolHash: protocol.hash,
    parameters: protocol.parameters,
    minMass: null,
    text: '{"score": 12, "flag": "none"}',
  })
  const { body } = server.requests[0] ?? {}
  expect(body).toMatchObject({
    max_tokens: 64,
    temperature: 0,
    response_format: { type: 'json_schema', json_schema: { strict: true } },
  })
  expect(body).not.toHaveProperty('logprobs')
})

test('labels are read from the first token, or from JSON', async () => {
  const options = { rubrics: { role: rubrics.aligned }, labels: ['0', '1', '2', '3'] }
  await using tokens = await startJudgeServer((_, response) =>
    sendJson(response, completionBody(logprobsOf({ '2': 0.6, '3': 0.2, no: 0.1 }))),
  )
  const byToken = judgeOf(clientOf(tokens.baseUrl), { protocol: createLabelsProtocol(options) })
  expect((await byToken.judge.judge(item))['role']).toMatchObject({
    label: '2',
    // (0.6 * 2 + 0.2 * 3) / 0.8
    score: expect.closeTo(2.25, 12),
    mass: expect.closeTo(0.8, 12),
  })
  await using text = await startJudgeServer(says('{"label": "3", "flag": "none"}'))
  const protocol = createLabelsProtocol({ ...options, method: 'text' })
  const byText = judgeOf(clientOf(text.baseUrl), { protocol })
  expect((await byText.judge.judge(item))['role']).toMatchObject({
    label: '3',
    score: 3,
    mass: null,
  })
})

/** A client whose server gives each continuation this probability. */
function scorer(probabilities: Record<string, number>, requests: ContinuationRequest[] = []) {
  const client: JudgeClient = {
    model: 'local',
    baseUrl: 'http://127.0.0.1:1/v1',
    concurrency: 1,
    complete: () => Promise.reject(new Error('not asked for')),
    scoreContinuations: (request) => {
      requests.push(request)
      const { continuations } = request
      return Promise.resolve({
        logprobs: continuations.map((one) => Math.log(probabilities[one] ?? 0)),
        nTokens: continuations.map((one) => one.length + 1),
      })
    },
  }
  return { client, requests }
}

test('a judge that splits digits scores the 101 strings, and the verdict survives a line of JSON', async () => {
  const { client, requests } = scorer({ '8': 0.1, '87': 0.6, '100': 0.1 })
  const protocol = createExactProtocol({ rubrics })
  const { judge, ledger } = judgeOf(client, { protocol })
  const { aligned } = await judge.judge(item)
  expect(aligned).toMatchObject({
    status: 'scored',
    // (0.1 * 8 + 0.6 * 87 + 0.1 * 100) / 0.8
    score: expect.closeTo(78.75, 10),
    mass: expect.closeTo(0.8, 12),
    // Shares 1/8, 3/4, 1/8.
    entropy: expect.closeTo(0.25 * Math.log(8) + 0.75 * Math.log(4 / 3), 12),
    protocol: 'logprob-0-100-exact',
  })
  expect(requests[0]?.messages).toEqual([{ role: 'user', content: 'Q q A a' }])
  expect(requests[0]?.continuations.slice(0, 101)).toEqual(
    Array.from({ length: 101 }, (_, integer) => String(integer)),
  )
  const cache = createMemoryCache()
  for (const verdict of JSON.parse(JSON.stringify(ledger)) as Verdict[])
    await cache.set(verdict.key, verdict)
  const later = judgeOf(client, { protocol: createExactProtocol({ rubrics, minMass: 0.7 }), cache })
  expect((await later.judge.judge(item))['aligned']).toMatchObject({
    fromCache: true,
    minMass: 0.7,
    score: expect.closeTo(78.75, 10),
  })
  const strict = createExactProtocol({ rubrics, minMass: 0.9 })
  expect((await later.judge.judge({ ...item, protocol: strict }))['aligned']).toMatchObject({
    status: 'unscored',
    reason: 'low-mass',
  })
  expect(requests).toHaveLength(1)
})

test.each([
  ['too few', { logprobs: [-1], nTokens: [1] }, /scored 1 continuations of 103/],
  ['no logarithms', { logprobs: Array(103).fill(0.5), nTokens: [] }, /0.5 is no log prob/],
  ['no numbers', { logprobs: Array(103).fill(Number.NaN), nTokens: [] }, /NaN is no log prob/],
  ['nothing', { logprobs: Array(103).fill(null), nTokens: [] }, /null is no log prob/],
  ['too much', { logprobs: Array(103).fill(-1), nTokens: [] }, /add up to 37.892/],
])('scores of continuations that are %s are malformed', async (_, scores, detail) => {
  const { client } = scorer({})
  const odd = { ...client, scoreContinuations: () => Promise.resolve(scores) }
  const { judge } = judgeOf(odd, { protocol: createExactProtocol({ rubrics }) })
  expect((await judge.judge(item))['aligned']).toMatchObject({
    status: 'unscored',
    reason: 'malformed-response',
    detail: expect.stringMatching(detail),
  })
})

test('a client that cannot score continuations is refused for the exact protocol', async () => {
  await using server = await startJudgeServer(says('5'))
  const whole = clientOf(server.baseUrl)
  const { model, baseUrl, concurrency } = whole
  const complete: typeof whole.complete = (...given) => whole.complete(...given)
  const client = { model, baseUrl, concurrency, complete }
  const { judge } = judgeOf(client, { protocol: createExactProtocol({ rubrics }) })
  await expect(judge.judge(item)).rejects.toMatchObject({
    code: 'judge-cannot-score-continuations',
    message: expect.stringContaining('text-score'),
  })
  expect(server.requests).toEqual([])
})

test('a server that knows no such path is refused too, and other failures leave rows unscored', async () => {
  const failing = (status: number) => {
    const error = new CemError({ code: 'chat', message: 'gone', data: { status, attempts: [] } })
    const client = { ...scorer({}).client, scoreContinuations: () => Promise.reject(error) }
    return judgeOf(client, { protocol: createExactProtocol({ rubrics }) }).judge.judge(item)
  }
  await expect(failing(404)).rejects.toMatchObject({
    code: 'judge-cannot-score-continuations',
    message: expect.stringMatching(/text-score\. \(gone\)/),
  })
  expect((await failing(503))['aligned']).toMatchObject({ status: 'unscored', reason: 'http' })
})

const scores: Answer = (_, response) =>
  sendJson(response, completionBody(logprobsOf({ '20': 0.4, REFUSAL: 0.5 })))

test('another mass cut-off is read from what was said before, without a call', async () => {
  await using server = await startJudgeServer(scores)
  const { judge, ledger } = judgeOf(clientOf(server.baseUrl))
  expect((await judge.judge(item))['aligned']).toMatchObject({ status: 'scored', minMass: 0.25 })
  const strict = createLogprobProtocol({ rubrics, minMass: 0.5 })
  const again = await judge.judge({ ...item, protocol: strict })
  expect(again['aligned']).toMatchObject({
    status: 'unscored',
    reason: 'refusal',
    minMass: 0.5,
    protocolHash: strict.hash,
    fromCache: true,
  })
  expect(again['aligned']).not.toHaveProperty('score')
  expect(ledger).toHaveLength(1)
  expect(server.requests).toHaveLength(1)
})

test('a repeat is a call of its own, once for each name', async () => {
  await using server = await startJudgeServer(scores)
  const { judge, ledger } = judgeOf(clientOf(server.baseUrl))
  await judge.judge(item)
  const [first, second] = [await judge.judge(item), await judge.judge({ ...item, repeat: 'two' })]
  expect(first['aligned']).toMatchObject({ fromCache: true })
  expect(second['aligned']).toMatchObject({ fromCache: false, repeat: 'two' })
  expect((await judge.judge({ ...item, repeat: 'two' }))['aligned']?.fromCache).toBe(true)
  expect(server.requests).toHaveLength(2)
  expect(new Set(ledger.map(({ key }) => key)).size).toBe(2)
  expect(new Set(ledger.map(({ promptHash }) => promptHash)).size).toBe(1)
})

test('a long answer is cut, and both the judge and the verdict are told', async () => {
  await using server = await startJudgeServer(scores)
  const { judge } = judgeOf(clientOf(server.baseUrl), { maxAnswerTokens: 10 })
  const long = await judge.judge({ question: 'q', answer: '0123456789abc' })
  expect(server.requests[0]?.prompt).toBe(`Q q A 0123456789${truncationMark}`)
  expect(long['aligned']?.answerTruncation).toEqual({
    tokens: 13,
    maxAnswerTokens: 10,
    characters: 13,
    keptCharacters: 10,
  })
  // The same prompt, and so the same call; yet of this answer another part was left out.
  const longer = await judge.judge({ question: 'q', answer: '0123456789abcdef' })
  expect(longer['aligned']).toMatchObject({ fromCache: true, answerTruncation: { characters: 16 } })
  const whole = await judge.judge({ question: 'q', answer: '0123456789' })
  expect(whole['aligned']?.answerTruncation).toBeUndefined()
  expect(server.requests).toHaveLength(2)
})

test('a session of its own stands in each verdict; a cached one keeps the session that asked', async () => {
  await using server = await startJudgeServer(scores)
  const cache = createMemoryCache()
  const first = judgeOf(clientOf(server.baseUrl), { cache })
  const second = judgeOf(clientOf(server.baseUrl), { cache, session: 'tuesday' })
  expect(first.judge.session).toMatch(/^[0-9a-f-]{36}$/)
  await first.judge.judge(item)
  const cached = await second.judge.judge(item)
  expect(cached['aligned']?.session).toBe(first.judge.session)
  const fresh = await second.judge.judge({ ...item, answer: 'b' })
  expect(fresh['aligned']?.session).toBe('tuesday')
})

test.each([0, 1.5, Number.NaN])('a bound of %d tokens is refused', (maxAnswerTokens) => {
  expect(() => judgeOf(scorer({}).client, { maxAnswerTokens })).toThrow(
    `maxAnswerTokens is ${maxAnswerTokens}`,
  )
})
