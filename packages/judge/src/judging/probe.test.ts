import { createChatClient } from '@cem/chat'
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
import { logprobProtocol } from '../protocols/logprob-protocol.ts'
import { createTextScoreProtocol } from '../protocols/text-score-protocol.ts'
import type { JudgeClient } from './judge-client.ts'
import { everyInteger, probeJudge } from './probe.ts'
import { probeLabels } from './probe-labels.ts'
import { probeProtocol } from './probe-protocol.ts'

const clientOf = (baseUrl: string) =>
  createChatClient({
    model: 'judge',
    baseUrl,
    clock: hurriedClock,
    environment: {},
    concurrency: 8,
  })

/** A server whose judge begins its reply to "integer N" with these tokens. */
const replies =
  (tokens: (integer: string) => Record<string, number>): Answer =>
  ({ prompt }, response) => {
    const integer = /integer (\d+)/.exec(prompt)?.[1] ?? ''
    sendJson(response, completionBody(logprobsOf(tokens(integer))))
  }

test('a judge that says each integer as one token passes, and what it said is kept', async () => {
  await using server = await startJudgeServer(replies((n) => ({ [n]: 0.9, '1': 0.05 })))
  const result = await probeJudge(clientOf(server.baseUrl))
  expect(result.integers.map(({ integer, status }) => [integer, status])).toEqual(
    [7, 10, 42, 87, 99, 100].map((integer) => [integer, 'single']),
  )
  expect(result).toMatchObject({
    judgeModel: 'judge',
    servedModel: 'judge-2024-08-06',
    systemFingerprint: 'fp_07871e2ad8',
    usage: { promptTokens: 1800, completionTokens: 6 },
  })
  expect(result.integers[1]).toMatchObject({
    mass: expect.closeTo(0.9, 10),
    prefixMass: expect.closeTo(0.05, 10),
    topLogprobs: [{ token: '1' }, { token: '10' }],
  })
  expect(server.requests[0]?.body).toMatchObject({
    messages: [{ role: 'user', content: 'Reply with the integer 7 and nothing else.' }],
    max_tokens: 1,
    temperature: 0,
    seed: 0,
    logprobs: true,
    top_logprobs: 20,
  })
})

test('all 101 integers can be asked for', async () => {
  await using server = await startJudgeServer(replies((n) => ({ [n]: 1 })))
  const { integers } = await probeJudge(clientOf(server.baseUrl), { integers: everyInteger })
  expect(integers).toHaveLength(101)
})

test('a judge that splits digits is refused, and text-score and other judges are named', async () => {
  await using server = await startJudgeServer(replies((n) => ({ [n.slice(0, 1)]: 0.95, x: 0.01 })))
  await expect(probeJudge(clientOf(server.baseUrl))).rejects.toMatchObject({
    code: 'judge-splits-integers',
    message: expect.stringMatching(/87: "8".*Use the protocol text-score.*gpt-4o/),
    data: {
      integers: expect.arrayContaining([expect.objectContaining({ status: 'split' })]),
      alternatives: ['text-score'],
    },
  })
})

type Score = NonNullable<JudgeClient['scoreContinuations']>

const splitting = replies((n) => ({ [n.slice(0, 1)]: 0.95, x: 0.01 }))
const scoring =
  (probabilityOf: (asked: string, continuation: string) => number): Score =>
  ({ messages, continuations }) => {
    const asked = /integer (\d+)/.exec(messages[0]?.content ?? '')?.[1] ?? ''
    const logprobs = continuations.map((one) => Math.log(probabilityOf(asked, one)))
    return Promise.resolve({ logprobs, nTokens: logprobs.map(() => 2) })
  }
const faithful = scoring((asked, one) => (asked === one ? 0.9 : 0.0005))

test('where the server scores whole replies, the exact protocol is named first', async () => {
  await using server = await startJudgeServer(splitting)
  const client = { ...clientOf(server.baseUrl), scoreContinuations: faithful }
  await expect(probeJudge(client)).rejects.toMatchObject({
    code: 'judge-splits-integers',
    message: expect.stringContaining('use the protocol logprob-0-100-exact'),
    data: { alternatives: ['logprob-0-100-exact', 'text-score'] },
  })
})

test.each<[string, Score]>([
  ['fails', () => Promise.reject(new Error('404'))],
  ['gives too few', () => Promise.resolve({ logprobs: [], nTokens: [] })],
  ['gives no logarithms', () => Promise.resolve({ logprobs: [0.5, 0.5], nTokens: [1, 1] })],
])(
  'a server that %s where it is asked to score whole replies does not score them',
  async (_, scoreContinuations) => {
    await using server = await startJudgeServer(splitting)
    const client = { ...clientOf(server.baseUrl), scoreContinuations }
    await expect(probeJudge(client)).rejects.toMatchObject({
      data: { alternatives: ['text-score'] },
    })
  },
)

test('a judge that has 87 as a token but prefers to split is refused', async () => {
  await using server = await startJudgeServer(
    replies((n) => (n.length > 1 ? { [n]: 0.4, [n.slice(0, 1)]: 0.55 } : { [n]: 1 })),
  )
  await expect(probeJudge(clientOf(server.baseUrl))).rejects.toMatchObject({
    code: 'judge-splits-integers',
  })
})

test('a judge that splits only 100 is refused', async () => {
  await using server = await startJudgeServer(
    replies((n) => (n === '100' ? { '10': 0.9 } : { [n]: 0.9 })),
  )
  await expect(probeJudge(clientOf(server.baseUrl))).rejects.toThrow(/splits.*\(100: "10"\)/)
})

test('a judge that does not do as it is told is refused', async () => {
  await using server = await startJudgeServer(replies(() => ({ Sure: 0.9, '87': 0.05 })))
  await expect(probeJudge(clientOf(server.baseUrl))).rejects.toMatchObject({
    code: 'judge-probe-unclear',
    message: expect.stringContaining('87: "Sure"'),
  })
})

test('a server without log probabilities is refused', async () => {
  await using server = await startJudgeServer((_, response) =>
    sendJson(response, completionBody(undefined, { content: '87' })),
  )
  await expect(probeJudge(clientOf(server.baseUrl))).rejects.toMatchObject({
    code: 'judge-without-logprobs',
    message: expect.stringContaining('top_logprobs'),
  })
})

test('a judge that is not there is named with its URL', async () => {
  const server = await startJudgeServer(() => undefined)
  await server[Symbol.asyncDispose]()
  await expect(probeJudge(clientOf(server.baseUrl))).rejects.toMatchObject({
    code: 'judge-unreachable',
    message: expect.stringContaining(server.baseUrl),
  })
})

test('an abort ends a probe', async () => {
  await using server = await startJudgeServer(() => undefined)
  const reason = new Error('stop')
  const controller = new AbortController()
  const probe = probeJudge(clientOf(server.baseUrl), { signal: controller.signal })
  setImmediate(() => controller.abort(reason))
  await expect(probe).rejects.toBe(reason)
})

const labels = ['0', '1', '2', '3']
const rubrics = { role: { text: 'Rate {answer}', insertion: 'verbatim' } } as const
const labelReplies =
  (tokens: (label: string) => Record<string, number>): Answer =>
  ({ prompt }, response) => {
    const label = /Reply with "(.+?)"/.exec(prompt)?.[1] ?? ''
    sendJson(response, completionBody(logprobsOf(tokens(label))))
  }

test('labels that are single tokens are read from the first token, others from text', async () => {
  await using server = await startJudgeServer(
    labelReplies((label) => ({ [label.slice(0, 5)]: 0.9 })),
  )
  const client = clientOf(server.baseUrl)
  expect(await probeLabels(client, labels)).toMatchObject({
    method: 'first-token',
    labels: labels.map((label) => ({ label, isSingle: true, mass: expect.closeTo(0.9, 10) })),
  })
  expect(await probeLabels(client, ['fully', 'somewhat'])).toMatchObject({
    method: 'text',
    labels: [
      { label: 'fully', isSingle: true },
      { label: 'somewhat', isSingle: false, mass: 0 },
    ],
  })
})

test('labels of a server without log probabilities are read from text', async () => {
  await using server = await startJudgeServer((_, response) =>
    sendJson(response, completionBody(undefined, { content: '3' })),
  )
  expect((await probeLabels(clientOf(server.baseUrl), labels)).method).toBe('text')
})

test('each protocol is probed in its own way', async () => {
  await using tokens = await startJudgeServer(replies((n) => ({ [n]: 0.9 })))
  const base = { judgeModel: 'judge', servedModel: 'judge-2024-08-06' }
  const client = clientOf(tokens.baseUrl)
  expect(await probeProtocol(client, logprobProtocol)).toMatchObject({
    ...base,
    protocol: 'logprob-0-100',
  })
  const exact = { ...client, scoreContinuations: faithful }
  expect(await probeProtocol(exact, createExactProtocol())).toMatchObject({
    protocol: 'logprob-0-100-exact',
    servedModel: undefined,
  })
  await using json = await startJudgeServer(({ prompt }, response) => {
    const label = /Reply with "(.+?)"/.exec(prompt)?.[1]
    const content = label
      ? `{"label": "${label}", "flag": "none"}`
      : '{"score": 42, "flag": "none"}'
    sendJson(response, completionBody(undefined, { content, finishReason: 'stop' }))
  })
  const text = clientOf(json.baseUrl)
  expect(await probeProtocol(text, createTextScoreProtocol())).toMatchObject({
    protocol: 'text-score',
  })
  const byText = createLabelsProtocol({ rubrics, labels, method: 'text' })
  expect(await probeProtocol(text, byText)).toMatchObject({ protocol: 'labels' })
  await using single = await startJudgeServer(labelReplies((label) => ({ [label]: 0.9 })))
  const byToken = createLabelsProtocol({ rubrics, labels })
  expect(await probeProtocol(clientOf(single.baseUrl), byToken)).toMatchObject({
    protocol: 'labels',
  })
})

test('a judge that cannot do what a protocol asks is refused with what it gave', async () => {
  await using server = await startJudgeServer((_, response) =>
    sendJson(response, completionBody(undefined, { content: 'Forty-two.', finishReason: 'stop' })),
  )
  const client = clientOf(server.baseUrl)
  await expect(probeProtocol(client, createTextScoreProtocol())).rejects.toMatchObject({
    code: 'judge-probe-unclear',
    message: expect.stringMatching(
      /text-score: it gives no score \(malformed.* where 42 was asked for/,
    ),
  })
  await expect(probeProtocol(client, createLabelsProtocol({ rubrics, labels }))).rejects.toThrow(
    /does not say "0" as one token.*method: 'text'/,
  )
  const blind = { ...client, scoreContinuations: scoring(() => 0.005) }
  await expect(probeProtocol(blind, createExactProtocol())).rejects.toThrow(
    /gives 50.* where 42 was asked for/,
  )
})
