import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { createChatClient } from '@cem/chat'
import { randomSource } from '@cem/core'
import { expect, test } from 'vitest'
import {
  hurriedClock,
  type JudgeRequest,
  sendJson,
  startJudgeServer,
} from '../../test/judge-server.ts'
import { answerTruly, kindsOf, type Metric, truthOf } from '../../test/storm.ts'
import { createLabelsProtocol } from '../protocols/labels-protocol.ts'
import { logprobProtocol } from '../protocols/logprob-protocol.ts'
import type { JudgeProtocol } from '../protocols/protocol.ts'
import { createTextScoreProtocol } from '../protocols/text-score-protocol.ts'
import type { Verdict } from '../verdicts/verdict.ts'
import { createJudge } from './judge.ts'

/** A prompt meets at most this many faults, fewer than there are attempts, so each judgement is got in the end. */
const mostFaults = 6
const maxAttempts = 10

const faults: ((response: ServerResponse) => void)[] = [
  (response) =>
    sendJson(response, { error: { message: 'slow down' } }, 429, { 'retry-after': '1' }),
  (response) =>
    sendJson(response, {}, 429, { 'retry-after': new Date(Date.now() + 2000).toUTCString() }),
  (response) => sendJson(response, {}, 429, { 'retry-after-ms': '40' }),
  (response) => sendJson(response, { error: { message: 'oops' } }, 500),
  (response) => response.writeHead(503).end('unavailable'),
  (response) => sendJson(response, {}, 408),
  (response) => response.socket?.resetAndDestroy(),
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' })
    response.write('{"choices": [', () => response.socket?.destroy())
  },
]

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

const textProtocol = createTextScoreProtocol({
  rubrics: { tone: { text: 'Tone of\n{answer}\n', insertion: 'verbatim' } },
})
const labelsProtocol = createLabelsProtocol({
  rubrics: { role: { text: 'Role in\n{answer}\n', insertion: 'verbatim' } },
  labels: ['0', '1', '2', '3'],
})

/** 1,500 answers on two metrics, and 1,000 each on one. */
const batches: readonly [JudgeProtocol, number][] = [
  [logprobProtocol, 1500],
  [textProtocol, 1000],
  [labelsProtocol, 1000],
]
const nJudgements = 5000
const items = batches.flatMap(([protocol, count]) =>
  Array.from({ length: count }, (_, i) => ({
    question: 'Why?',
    answer: `Answer ${i} under ${protocol.name}.`,
    protocol,
  })),
)

const openings: readonly [string, Metric][] = [
  ['Rate how well-meaning', 'aligned'],
  ['Rate how coherent', 'coherent'],
  ['Tone of', 'tone'],
  ['Role in', 'role'],
]

function askedFor(prompt: string): { readonly metric: Metric; readonly answer: string } {
  const [, metric] = openings.find(([opening]) => prompt.startsWith(opening)) ?? []
  const [answer] = /Answer \d+ under [\w-]+\./.exec(prompt) ?? []
  if (!metric || !answer) throw new Error('a prompt that nobody sent')
  return { metric, answer }
}

test('of 5,000 judgements under random faults none is lost, none made twice, none wrong', async () => {
  const random = randomSource('fault-storm', 1)
  const faulty = new Map<string, number>()
  const answered = new Map<string, number>()
  let nFaults = 0
  let nDrips = 0
  let nServed = 0
  let nStorm = 0

  const serve = ({ prompt }: JudgeRequest, response: ServerResponse) => {
    const { metric, answer } = askedFor(prompt)
    const truth = truthOf(metric, answer)
    if (truth.kind === 'down') return sendJson(response, { error: { message: 'down' } }, 502)
    const met = faulty.get(prompt) ?? 0
    nServed++
    // For a while the server refuses everybody.
    if (met < mostFaults && nServed > 1500 && nServed <= 2000) {
      faulty.set(prompt, met + 1)
      nStorm++
      return faults[nServed % 3]?.(response)
    }
    if (met < mostFaults && random.uniform() < 0.35) {
      faulty.set(prompt, met + 1)
      nFaults++
      // Few, because each takes the time of a whole attempt.
      if (nDrips < 3 && random.uniform() < 0.1) {
        nDrips++
        return drip(response)
      }
      return faults[random.integer(faults.length)]?.(response)
    }
    const key = createHash('sha256').update(prompt).digest('hex')
    answered.set(key, (answered.get(key) ?? 0) + 1)
    answerTruly(metric, truth, random, response)
  }

  await using server = await startJudgeServer(serve)
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock: hurriedClock,
    environment: {},
    seed: 1,
    maxAttempts,
    timeoutInMs: 4000,
    concurrency: 32,
  })
  const ledger: Verdict[] = []
  const judge = createJudge({ client, onVerdict: (verdict) => void ledger.push(verdict) })
  const rows: { answer: string; verdicts: Readonly<Record<string, Verdict>> }[] = []
  for await (const event of judge.judgeAll(randomSource('order', 1).shuffle(items)))
    if (event.type === 'row-end') rows.push({ answer: event.item.answer, verdicts: event.verdicts })

  // None lost: each answer once, with all of its verdicts, and the same ones in the ledger.
  expect(rows.map(({ answer }) => answer).toSorted()).toEqual(
    items.map(({ answer }) => answer).toSorted(),
  )
  const verdicts = rows.flatMap((row) => Object.values(row.verdicts))
  expect(verdicts).toHaveLength(nJudgements)
  expect(new Set(ledger.map(({ key }) => key)).size).toBe(nJudgements)

  // None twice: one entry in the ledger for each. The server answered none twice either, but where its answer came after the
  // time for a request was over, which a busy machine brings about and the verdict records.
  expect(ledger).toHaveLength(nJudgements)
  const twice = ledger.filter(({ promptHash, attempts }) => {
    const timeouts = attempts.filter(({ errorCode }) => errorCode === 'timeout').length
    return (answered.get(promptHash) ?? 0) > 1 + timeouts
  })
  expect(twice).toEqual([])
  expect(client.counters()).toMatchObject({ calls: nJudgements, inFlight: 0, waiting: 0 })

  // None wrong: the score that the server meant, or the reason, and then no score.
  const said = rows.flatMap((row) =>
    Object.entries(row.verdicts).map(([metric, verdict]) => ({
      answer: row.answer,
      metric: metric as Metric,
      ...outcomeOf(verdict),
    })),
  )
  const wrong = said.filter(({ answer, metric, score, mass, reason }) => {
    const truth = truthOf(metric, answer)
    if (truth.reason !== undefined) return reason !== truth.reason || score !== undefined
    const isMass = truth.mass === null ? mass === null : isNear(mass, truth.mass)
    return !isMass || !isNear(score, truth.score)
  })
  expect(wrong).toEqual([])

  // And there was something to withstand: every kind of answer, and faults between them.
  for (const [, metric] of openings) {
    const met = said.filter((one) => one.metric === metric)
    const kinds = new Set(met.map(({ answer }) => truthOf(metric, answer).kind))
    expect([...kinds].toSorted()).toEqual(kindsOf(metric).toSorted())
  }
  expect(nFaults).toBeGreaterThan(2000)
  expect(nDrips).toBe(3)
  expect(nStorm).toBeGreaterThan(300)
}, 240_000)

interface SaidOutcome {
  readonly score?: number
  readonly mass?: number | null
  readonly reason?: string
}

function outcomeOf(verdict: Verdict): SaidOutcome {
  if (verdict.status === 'unscored') return { reason: verdict.reason }
  return { score: verdict.score, mass: verdict.mass }
}

function isNear(value: number | null | undefined, meant: number): boolean {
  return typeof value === 'number' && Math.abs(value - meant) < 1e-8
}
