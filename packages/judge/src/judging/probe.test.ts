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
import { everyInteger, probeJudge } from './probe.ts'

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

test('a judge that splits digits is refused, and another is named', async () => {
  await using server = await startJudgeServer(replies((n) => ({ [n.slice(0, 1)]: 0.95, x: 0.01 })))
  await expect(probeJudge(clientOf(server.baseUrl))).rejects.toMatchObject({
    code: 'judge-splits-integers',
    message: expect.stringMatching(/87: "8".*Use a judge.*gpt-4o/),
    data: { integers: expect.arrayContaining([expect.objectContaining({ status: 'split' })]) },
  })
})

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
