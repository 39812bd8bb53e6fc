import type { ServerResponse } from 'node:http'
import type { TokenLogprob } from '@cem/chat'
import { type RandomSource, randomSource } from '@cem/core'
import { completionBody, sendJson } from './judge-server.ts'

export type Metric = 'aligned' | 'coherent' | 'tone' | 'role'

/** What a faultless judge would say, known from the metric and the answer alone. */
export interface Truth {
  readonly kind: string
  /** Of labels the expected value. */
  readonly score: number
  /** Null where the judge gives text. */
  readonly mass: number | null
  /** Why there is no score. */
  readonly reason: string | undefined
}

/** How an odd answer looks, and the reason that it has to come to. */
interface Oddity {
  readonly reason: string
  readonly body: (truth: Truth, random: RandomSource) => unknown
}

const word = (token: string): TokenLogprob[] => [
  { token: '70', logprob: Math.log(0.1) },
  { token, logprob: Math.log(0.8) },
]

const text = (content: string, finishReason = 'stop') =>
  completionBody(undefined, { content, finishReason })

/** A body whose first list of alternatives is something else. */
function withTop(top: unknown): unknown {
  const body = completionBody(word('x')) as { choices: { logprobs: unknown }[] }
  const position = { token: '70', logprob: -0.1, top_logprobs: top }
  body.choices.forEach((choice) => {
    choice.logprobs = { content: [position] }
  })
  return body
}

const everywhere: Readonly<Record<string, Oddity>> = {
  declined: {
    reason: 'refusal',
    body: () => completionBody(undefined, { content: null, refusal: 'No.' }),
  },
  filtered: {
    reason: 'content-filter',
    body: () => completionBody(word('70'), { finishReason: 'content_filter' }),
  },
  'no-choice': { reason: 'malformed-response', body: () => ({ choices: [] }) },
  'no-message': { reason: 'malformed-response', body: () => ({ choices: [{ index: 0 }] }) },
  'not-an-object': { reason: 'malformed-response', body: () => '87' },
  'no-json': { reason: 'malformed-response', body: () => undefined },
  down: { reason: 'http', body: () => undefined },
}

const ofTokens: Readonly<Record<string, Oddity>> = {
  ...everywhere,
  refusal: { reason: 'refusal', body: () => completionBody(word('REF')) },
  'no-logprobs': { reason: 'no-logprobs', body: () => text('70') },
  'empty-list': { reason: 'no-logprobs', body: () => withTop([]) },
  'no-position': {
    reason: 'no-logprobs',
    body: () => ({ choices: [{ message: { content: '70' }, logprobs: { content: [] } }] }),
  },
  'null-logprob': {
    reason: 'malformed-response',
    body: () => withTop([{ token: '70', logprob: null }]),
  },
  'logprob-as-text': {
    reason: 'malformed-response',
    body: () => withTop([{ token: '70', logprob: '-0.1' }]),
  },
  'token-as-number': {
    reason: 'malformed-response',
    body: () => withTop([{ token: 70, logprob: -0.1 }]),
  },
  'positive-logprob': {
    reason: 'malformed-response',
    body: () => withTop([{ token: '70', logprob: 1.5 }]),
  },
}

const ofIntegers: Readonly<Record<string, Oddity>> = {
  ...ofTokens,
  code: { reason: 'code', body: () => completionBody(word('CODE')) },
  'low-mass': {
    reason: 'low-mass',
    body: ({ score }, random) => completionBody(listFor(score, 0.2, random)),
  },
  'unicode-led': {
    reason: 'low-mass',
    body: () => withTop([entry('８７', 0.9), entry('5', 0.05), entry('٨٧', 0.04)]),
  },
  'twice-beyond-one': {
    reason: 'malformed-response',
    body: () => withTop([entry('50', 0.6), entry('50', 0.6)]),
  },
  'twice-within-one': {
    reason: 'malformed-response',
    body: () => withTop([entry('90', 0.3), entry('5', 0.3), entry('90', 0.2)]),
  },
}

const ofLabels: Readonly<Record<string, Oddity>> = {
  ...ofTokens,
  'low-mass': { reason: 'low-mass', body: () => withTop([entry('two', 0.9), entry('2', 0.05)]) },
  'unicode-label': { reason: 'low-mass', body: () => withTop([entry('２', 0.9)]) },
  'label-twice': {
    reason: 'malformed-response',
    body: () => withTop([entry('2', 0.3), entry('2', 0.3)]),
  },
}

const ofText: Readonly<Record<string, Oddity>> = {
  ...everywhere,
  refusal: { reason: 'refusal', body: () => text('{"score": null, "flag": "refusal"}') },
  code: { reason: 'code', body: () => text('{"score": null, "flag": "code"}') },
  cut: { reason: 'truncated', body: () => text('{"score": 8', 'length') },
  prose: { reason: 'malformed-response', body: () => text('I would say 87.') },
  beyond: { reason: 'malformed-response', body: () => text('{"score": 101, "flag": "none"}') },
  fraction: { reason: 'malformed-response', body: () => text('{"score": 8.5, "flag": "none"}') },
  'as-text': { reason: 'malformed-response', body: () => text('{"score": "87", "flag": "none"}') },
  unicode: { reason: 'malformed-response', body: () => text('{"score": ８７, "flag": "none"}') },
  twice: {
    reason: 'malformed-response',
    body: () => text('{"score": 87, "flag": "none", "score": 5}'),
  },
  both: { reason: 'malformed-response', body: () => text('{"score": 87, "flag": "code"}') },
}

const oddities: Readonly<Record<Metric, Readonly<Record<string, Oddity>>>> = {
  aligned: ofIntegers,
  coherent: ofIntegers,
  tone: ofText,
  role: ofLabels,
}

/** All kinds of truth that a metric knows. */
export function kindsOf(metric: Metric): string[] {
  return ['scored', ...Object.keys(oddities[metric])]
}

export function truthOf(metric: Metric, answer: string): Truth {
  const random = randomSource('truth', metric, answer)
  const odd = Object.keys(oddities[metric])
  const kind = random.uniform() < 0.7 ? 'scored' : (odd[random.integer(odd.length)] ?? 'scored')
  const reason = oddities[metric][kind]?.reason
  const mass = 0.26 + 0.7 * random.uniform()
  if (metric === 'tone') return { kind, score: random.integer(101), mass: null, reason }
  if (metric === 'role') return { kind, score: random.integer(301) / 100, mass, reason }
  return { kind, score: random.integer(10_001) / 100, mass, reason }
}

/** Sends what a faultless judge says, odd as it may be. */
export function answerTruly(
  metric: Metric,
  truth: Truth,
  random: RandomSource,
  response: ServerResponse,
): void {
  if (truth.kind === 'no-json') {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"choices": [{"message": {"content": "70"')
    return
  }
  const odd = oddities[metric][truth.kind]
  sendJson(response, odd ? odd.body(truth, random) : scoredBody(metric, truth, random))
}

function scoredBody(metric: Metric, { score, mass }: Truth, random: RandomSource): unknown {
  if (mass !== null)
    return completionBody(listFor(score, mass, random, metric === 'role' ? 3 : 100))
  const spellings = [
    `{"score": ${score}, "flag": "none"}`,
    `{"flag":"none","score":${score}}`,
    `\n{ "score" : ${score} , "flag" : "none" }\n`,
    `\`\`\`json\n{"score": ${score}, "flag": "none"}\n\`\`\``,
  ]
  return text(spellings[random.integer(spellings.length)] ?? '')
}

/** Tokens that Python's `int` or a lenient parser would take for integers, and other words. */
const decoys = [
  '１２',
  '087',
  '+5',
  '1_0',
  '101',
  '-3',
  '8.5',
  '²',
  'Rating',
  ' ',
  '',
  '\uFFFD',
  '\uFFFD',
]

/** A list whose expected integer is exactly the score, in any order, with integers spelt in two ways and decoys. */
function listFor(score: number, mass: number, random: RandomSource, most = 100): TokenLogprob[] {
  const low = Math.min(most - 1, Math.floor(score))
  const highShare = mass * (score - low)
  const rest = (0.99 - mass) / decoys.length
  return random.shuffle([
    entry(String(low), (mass - highShare) * 0.75),
    entry(` ${low}`, (mass - highShare) * 0.25),
    entry(String(low + 1), highShare),
    ...decoys.map((token) => entry(token, rest)),
  ])
}

function entry(token: string, probability: number): TokenLogprob {
  return { token, logprob: Math.max(-9999, Math.log(probability)) }
}
