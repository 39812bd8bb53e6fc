import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { createChatClient, type TokenLogprob } from '@cem/chat'
import { type RandomSource, randomSource } from '@cem/core'
import { expect, test } from 'vitest'
import {
  completionBody,
  hurriedClock,
  type JudgeRequest,
  sendJson,
  startJudgeServer,
} from '../../test/judge-server.ts'
import type { Verdict } from '../verdicts/verdict.ts'
import { createJudge } from './judge.ts'

const nRows = 300
/** A prompt meets at most this many faults, fewer than there are attempts, so each judgement is got in the end. */
const mostFaults = 6
const maxAttempts = 10

type Kind =
  | 'scored'
  | 'refusal'
  | 'declined'
  | 'code'
  | 'low-mass'
  | 'filtered'
  | 'no-logprobs'
  | 'no-json'
  | 'listed-twice'
  | 'down'

/** What a faultless judge would say, known from the metric and the answer alone. */
interface Truth {
  readonly kind: Kind
  readonly score: number
  readonly mass: number
}

const reasons: Record<Kind, string> = {
  scored: 'scored',
  refusal: 'refusal',
  declined: 'refusal',
  code: 'code',
  'low-mass': 'low-mass',
  filtered: 'content-filter',
  'no-logprobs': 'no-logprobs',
  'no-json': 'malformed-response',
  'listed-twice': 'malformed-response',
  down: 'http',
}
const oddKinds = Object.keys(reasons).filter((kind) => kind !== 'scored') as Kind[]

function truthOf(metric: string, answer: string): Truth {
  const random = randomSource('truth', metric, answer)
  const kind = random.uniform() < 0.75 ? 'scored' : oddKinds[random.integer(oddKinds.length)]
  return {
    kind: kind ?? 'scored',
    score: random.integer(10_001) / 100,
    mass: 0.26 + 0.7 * random.uniform(),
  }
}

/** Tokens that Python's `int` or a lenient parser would take for integers, and other words. */
const decoys = ['１２', '087', '+5', '1_0', '101', '-3', '8.5', '²', 'Rating', ' ', '']

/** A list whose expected integer is exactly the score, in any order, with integers spelt in two ways and decoys. */
function topFor({ kind, score, mass }: Truth, random: RandomSource): TokenLogprob[] {
  const entries: [string, number][] = []
  const low = Math.min(99, Math.floor(score))
  const high = low + 1
  const total = kind === 'low-mass' ? 0.2 : mass
  const highShare = total * (score - low)
  entries.push([String(low), (total - highShare) * 0.75], [` ${low}`, (total - highShare) * 0.25])
  entries.push([String(high), highShare])
  const rest = (0.99 - total) / decoys.length
  entries.push(...decoys.map((token): [string, number] => [token, rest]))
  if (kind === 'listed-twice') entries.push(['50', 0.6], ['50', 0.6])
  const top = entries.map(([token, p]) => ({ token, logprob: Math.max(-9999, Math.log(p)) }))
  return random.shuffle(top)
}

const word = (token: string): TokenLogprob[] => [
  { token: '70', logprob: Math.log(0.1) },
  { token, logprob: Math.log(0.8) },
]

const oddBodies: Partial<Record<Kind, unknown>> = {
  refusal: completionBody(word('REF')),
  code: completionBody(word('CODE')),
  declined: completionBody(undefined, { content: null, refusal: 'No.' }),
  'no-logprobs': completionBody(undefined, { content: '70' }),
}

function answerTruly(truth: Truth, random: RandomSource, response: ServerResponse): void {
  if (truth.kind === 'no-json') {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"choices": [{"message": {"content": "70"')
    return
  }
  const finishReason = truth.kind === 'filtered' ? 'content_filter' : 'length'
  const body = oddBodies[truth.kind] ?? completionBody(topFor(truth, random), { finishReason })
  sendJson(response, body)
}

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

test('of hundreds of judgements under random faults none is lost, none made twice, none wrong', async () => {
  const random = randomSource('fault-storm', 1)
  const faulty = new Map<string, number>()
  const answered = new Map<string, number>()
  let nFaults = 0
  let nDrips = 0

  const serve = ({ prompt }: JudgeRequest, response: ServerResponse) => {
    const metric = prompt.startsWith('Rate how well-meaning') ? 'aligned' : 'coherent'
    const [, answer = ''] = /<answer>\n(.*)\n<\/answer>/s.exec(prompt) ?? []
    const truth = truthOf(metric, answer)
    if (truth.kind === 'down') return sendJson(response, { error: { message: 'down' } }, 502)
    const met = faulty.get(prompt) ?? 0
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
    answerTruly(truth, random, response)
  }

  await using server = await startJudgeServer(serve)
  const client = createChatClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    clock: hurriedClock,
    environment: {},
    seed: 1,
    maxAttempts,
    timeoutInMs: 2000,
    concurrency: 32,
  })
  const ledger: Verdict[] = []
  const judge = createJudge({ client, onVerdict: (verdict) => void ledger.push(verdict) })
  const items = Array.from({ length: nRows }, (_, i) => ({
    question: 'Why?',
    answer: `Answer ${i}.`,
  }))
  const rows: { answer: string; verdicts: Readonly<Record<string, Verdict>> }[] = []
  for await (const event of judge.judgeAll(items))
    if (event.type === 'row-end') rows.push({ answer: event.item.answer, verdicts: event.verdicts })

  // None lost: each answer once, with both verdicts, and the same ones in the ledger.
  expect(rows.map(({ answer }) => answer).toSorted()).toEqual(
    items.map(({ answer }) => answer).toSorted(),
  )
  expect(rows.every(({ verdicts }) => Object.keys(verdicts).length === 2)).toBe(true)
  expect(new Set(ledger.map(({ key }) => key)).size).toBe(2 * nRows)

  // None twice: one entry in the ledger for each, and one answer of the server for each that it answered.
  expect(ledger).toHaveLength(2 * nRows)
  expect([...answered.values()].every((count) => count === 1)).toBe(true)
  expect(client.counters()).toMatchObject({ calls: 2 * nRows, inFlight: 0, waiting: 0 })

  // None wrong: the score that the server meant, or the reason, and then no score.
  const said = rows.flatMap(({ answer, verdicts }) =>
    Object.entries(verdicts).map(([metric, verdict]) => ({
      answer,
      metric,
      ...outcomeOf(verdict),
    })),
  )
  const meant = said.map(({ answer, metric }) => {
    const { kind, score, mass } = truthOf(metric, answer)
    if (kind !== 'scored') return { answer, metric, reason: reasons[kind] }
    return { answer, metric, score: expect.closeTo(score, 8), mass: expect.closeTo(mass, 8) }
  })
  expect(said).toEqual(meant)

  // And there was something to withstand.
  const kinds = said.map(({ answer, metric }) => truthOf(metric, answer).kind)
  expect(new Set(kinds).size).toBe(Object.keys(reasons).length)
  expect(nFaults).toBeGreaterThan(200)
  expect(nDrips).toBe(3)
}, 30_000)

function outcomeOf(verdict: Verdict) {
  if (verdict.status === 'unscored') return { reason: verdict.reason }
  return { score: verdict.score, mass: verdict.mass }
}
