import type { TokenLogprob, Usage } from '@cem/chat'
import { isUnreachableError } from '@cem/chat'
import { CemError } from '@cem/core'
import { type JudgeProtocol, tokenParameters } from '../protocols/protocol.ts'
import { integerOf } from '../verdicts/score.ts'
import type { JudgeClient } from './judge-client.ts'
import { unreachable } from './unreachable.ts'

export interface ProbeOptions {
  /**
   * The integers to ask for, each one call. Those below 10 cannot tell a judge that splits digits from one that does not.
   * @default 7, 10, 42, 87, 99, 100
   */
  readonly integers?: readonly number[]
  readonly signal?: AbortSignal | undefined
}

export interface ProbedInteger {
  readonly integer: number
  /**
   * `single`: the integer is one token of the judge, and it says it. `split`: the judge begins it with a shorter number.
   * `unclear`: it says something else.
   */
  readonly status: 'single' | 'split' | 'unclear'
  /** Probability of the integer as one token. */
  readonly mass: number
  /** Probability of the shorter numbers that its decimal form begins with. */
  readonly prefixMass: number
  readonly topLogprobs: readonly TokenLogprob[]
}

export interface ProbeResult {
  readonly judgeModel: string
  readonly servedModel: string | undefined
  readonly systemFingerprint: string | undefined
  readonly integers: readonly ProbedInteger[]
  readonly usage: Usage
}

/** Every integer of the scale, for a probe that leaves nothing out (101 calls). */
export const everyInteger: readonly number[] = Array.from({ length: 101 }, (_, integer) => integer)

const defaultIntegers: readonly number[] = [7, 10, 42, 87, 99, 100]

/** What the judge is asked in a probe. */
export function probePrompt(integer: number): string {
  return `Reply with the integer ${integer} and nothing else.`
}

/**
 * Checks that a judge can be used for `logprob-0-100`: that it says integers as single tokens and gives log probabilities. One
 * that splits digits begins 87 with `8`, which the score would read as 8.
 *
 * @throws CemError `judge-splits-integers`, `judge-probe-unclear`, `judge-without-logprobs`, each with the results so far in
 * `data`, and in `data.alternatives` the protocols that the judge may still do for; `judge-unreachable`; what
 * `client.complete` throws
 */
export async function probeJudge(
  client: JudgeClient,
  { integers = defaultIntegers, signal }: ProbeOptions = {},
): Promise<ProbeResult> {
  const answers = await Promise.all(integers.map((integer) => probeOne(client, integer, signal)))
  const result: ProbeResult = {
    judgeModel: client.model,
    servedModel: answers[0]?.completion.model,
    systemFingerprint: answers[0]?.completion.systemFingerprint,
    integers: answers.map(({ probed }) => probed),
    usage: {
      promptTokens: sum(answers.map(({ completion }) => completion.usage?.promptTokens)),
      completionTokens: sum(answers.map(({ completion }) => completion.usage?.completionTokens)),
    },
  }
  const refusal = refusalOf(client, result)
  if (!refusal) return result
  const scores = await scoresContinuations(client, signal)
  throw refused(client, result, refusal, scores)
}

async function probeOne(client: JudgeClient, integer: number, signal: AbortSignal | undefined) {
  const messages = [{ role: 'user', content: probePrompt(integer) }] as const
  try {
    const completion = await client.complete({ messages, ...tokenParameters }, { signal })
    return { completion, probed: classify(integer, completion.topLogprobs ?? []) }
  } catch (error) {
    throw isUnreachableError(error) ? unreachable(error) : error
  }
}

/** Half of the probability, asked for one integer in so many words, is little to ask. */
const leastMass = 0.5

function classify(integer: number, topLogprobs: readonly TokenLogprob[]): ProbedInteger {
  let mass = 0
  let prefixMass = 0
  for (const { token, logprob } of topLogprobs) {
    const said = integerOf(token)
    if (said === integer) mass += Math.exp(logprob)
    else if (said !== undefined && String(integer).startsWith(String(said)))
      prefixMass += Math.exp(logprob)
  }
  const status = prefixMass > mass ? 'split' : mass >= leastMass ? 'single' : 'unclear'
  return { integer, status, mass, prefixMass, topLogprobs }
}

interface Refusal {
  readonly code: 'judge-without-logprobs' | 'judge-splits-integers' | 'judge-probe-unclear'
  /** What is the matter, behind the name of the judge. */
  readonly what: string
}

function refusalOf({ model }: JudgeClient, { integers }: ProbeResult): Refusal | undefined {
  if (integers.every(({ topLogprobs }) => topLogprobs.length === 0))
    return {
      code: 'judge-without-logprobs',
      what: 'gives no log probabilities, which the protocol logprob-0-100 scores by',
    }
  const split = integers.filter(({ status }) => status === 'split')
  if (split.length > 0)
    return {
      code: 'judge-splits-integers',
      what: `splits integers into digits (${split.map(describe).join(', ')}), of which the protocol logprob-0-100 would read only the beginning`,
    }
  const unclear = integers.filter(({ status }) => status === 'unclear')
  if (unclear.length === 0) return undefined
  const said = unclear.map(describe).join(', ')
  return {
    code: 'judge-probe-unclear',
    what: `says something else where it is told to reply with an integer (${said}); it may be that ${model} is a base model, or thinks before it replies`,
  }
}

/** Whether the server scores whole replies. Any answer but numbers is a no; only an abort is passed on. */
export async function scoresContinuations(
  client: JudgeClient,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const request = {
    messages: [{ role: 'user', content: probePrompt(42) }],
    continuations: ['42', '7'],
  } as const
  try {
    const scores = await client.scoreContinuations?.(request, { signal })
    return scores?.logprobs.length === 2 && scores.logprobs.every((logprob) => logprob <= 0)
  } catch {
    signal?.throwIfAborted()
    return false
  }
}

function refused(
  { model, baseUrl }: JudgeClient,
  result: ProbeResult,
  { code, what }: Refusal,
  canScore: boolean,
): CemError {
  const alternatives: readonly JudgeProtocol['name'][] = canScore
    ? ['logprob-0-100-exact', 'text-score']
    : ['text-score']
  const advice = canScore
    ? 'It scores whole replies: use the protocol logprob-0-100-exact.'
    : 'Use the protocol text-score.'
  const others =
    'Or use a judge whose vocabulary holds the numbers up to three digits whole, such as gpt-4o, gpt-4.1 or Llama 3, from a server that returns top_logprobs.'
  return new CemError({
    code,
    message: `The judge ${model} at ${baseUrl} ${what}. ${advice} ${others}`,
    data: { ...result, url: baseUrl, alternatives },
  })
}

function describe({ integer, topLogprobs }: ProbedInteger): string {
  const leader = topLogprobs.toSorted((a, b) => b.logprob - a.logprob)[0]?.token.slice(0, 20)
  return `${integer}: ${leader === undefined ? 'no log probabilities' : JSON.stringify(leader)}`
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}
