import { createChatClient } from '@cem/chat'
import { expect, test } from 'vitest'
import {
  completionBody,
  hurriedClock,
  logprobsOf,
  sendJson,
  startJudgeServer,
} from '../../test/judge-server.ts'
import { createExactProtocol } from '../protocols/exact-protocol.ts'
import { createLogprobProtocol } from '../protocols/logprob-protocol.ts'
import type { Verdict } from '../verdicts/verdict.ts'
import type { BatchedOutcome } from './batch.ts'
import { createJudge } from './judge.ts'

const rubrics = { aligned: { text: 'A {answer}', insertion: 'verbatim' } } as const
const items = ['a', 'b', 'c', 'd', 'a'].map((answer) => ({ question: 'q', answer }))

/** A judge whose server, asked one by one, says 50. */
async function setUp() {
  const server = await startJudgeServer((_, response) =>
    sendJson(response, completionBody(logprobsOf({ '50': 0.9 }))),
  )
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock: hurriedClock,
    environment: {},
  })
  const ledger: Verdict[] = []
  const protocol = createLogprobProtocol({ rubrics })
  const onVerdict = (verdict: Verdict) => void ledger.push(verdict)
  return { server, ledger, judge: createJudge({ client, protocol, onVerdict }) }
}

const answered = (id: string, score: string): BatchedOutcome => ({
  id,
  status: 'answered',
  completion: {
    text: score,
    refusal: undefined,
    finishReason: 'length',
    topLogprobs: logprobsOf({ [score]: 0.8 }),
    logprobs: undefined,
    model: 'judge-2024-08-06',
    systemFingerprint: 'fp_1',
    usage: undefined,
    requestId: 'r',
    attempts: [],
  },
})
const failed = (id: string, reason: string, serverCode?: string): BatchedOutcome => ({
  id,
  status: 'failed',
  reason,
  detail: 'it failed',
  serverCode,
})

test('a batch has each judgement once, as it would be asked for one by one', async () => {
  const { server, judge } = await setUp()
  await using _ = server
  const plan = await judge.planBatch(items)
  expect(plan.map(({ request }) => request.messages[0]?.content)).toEqual([
    'A a',
    'A b',
    'A c',
    'A d',
  ])
  expect(plan[0]?.request).toEqual({
    messages: [{ role: 'user', content: 'A a' }],
    maxTokens: 1,
    temperature: 0,
    seed: 0,
    topLogprobs: 20,
  })
  await judge.judge(items[1] ?? { question: '', answer: '' })
  expect(await judge.planBatch(items)).toEqual([plan[0], plan[2], plan[3]])
})

test('what a batch answered is not asked again; what it left out is', async () => {
  const { server, judge, ledger } = await setUp()
  await using _ = server
  const plan = await judge.planBatch(items)
  const [a = '', b = '', c = '', d = ''] = plan.map(({ id }) => id)
  const outcomes = [
    answered(c, '20'),
    failed(b, 'expired'),
    answered(a, '10'),
    failed(d, 'http', 'content_filter'),
    answered('not-mine', '99'),
    answered(a, '90'),
  ]
  expect(await judge.takeBatch(items, outcomes)).toEqual({
    taken: 3,
    known: 1,
    failed: { expired: 1 },
    foreign: ['not-mine'],
  })
  expect(ledger.map(({ key }) => key)).toEqual([c, a, d])
  const said: Record<string, unknown> = {}
  for await (const event of judge.judgeAll(items))
    if (event.type === 'row-end') {
      const { aligned } = event.verdicts
      said[event.item.answer] = aligned?.status === 'scored' ? aligned.score : aligned?.reason
    }
  expect(said).toEqual({ a: 10, b: 50, c: 20, d: 'content-filter' })
  expect(server.requests.map(({ prompt }) => prompt)).toEqual(['A b'])
  expect(ledger).toHaveLength(4)
  expect(ledger[0]).toMatchObject({
    servedModel: 'judge-2024-08-06',
    systemFingerprint: 'fp_1',
    session: judge.session,
    attempts: [],
    score: 20,
  })
})

test('outcomes that stream in are taken, none at all is nothing, and the exact protocol has no batch', async () => {
  const { server, judge } = await setUp()
  await using _ = server
  const [first] = await judge.planBatch(items)
  async function* stream() {
    yield answered(first?.id ?? '', '30')
  }
  expect((await judge.takeBatch(items, stream())).taken).toBe(1)
  expect(await judge.takeBatch([], [])).toEqual({ taken: 0, known: 0, failed: {}, foreign: [] })
  expect(await judge.planBatch([])).toEqual([])
  const exact = { question: 'q', answer: 'a', protocol: createExactProtocol({ rubrics }) }
  await expect(judge.planBatch([exact])).rejects.toThrow(/cannot be judged in a batch/)
})
