import type { ChatClient, TokenLogprob, Usage } from '@cem/chat'
import { isUnreachableError } from '@cem/chat'
import { CemError } from '@cem/core'
import { integerOf } from '../verdicts/score.ts'
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
 * Checks that the judge says integers as single tokens and gives log probabilities. One that splits digits begins 87 with
 * `8`, which the score would read as 8.
 *
 * @throws CemError `judge-splits-integers`, `judge-probe-unclear`, `judge-without-logprobs`, each with the results so far in
 * `data`; `judge-unreachable`; what `client.complete` throws
 */
export async function probeJudge(
  client: ChatClient,
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
  refuseUnfit(client, result)
  return result
}

async function probeOne(client: ChatClient, integer: number, signal: AbortSignal | undefined) {
  const messages = [{ role: 'user', content: probePrompt(integer) }] as const
  const parameters = { maxTokens: 1, temperature: 0, seed: 0, topLogprobs: 20 }
  try {
    const completion = await client.complete({ messages, ...parameters }, { signal })
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

const alternatives =
  'Use a judge whose vocabulary holds the numbers up to three digits whole, such as gpt-4o, gpt-4.1 or Llama 3'

function refuseUnfit({ model, baseUrl }: ChatClient, result: ProbeResult): void {
  const who = `The judge ${model} at ${baseUrl}`
  const refuse = (code: string, message: string): never => {
    throw new CemError({ code, message, data: { ...result, url: baseUrl } })
  }
  const { integers } = result
  if (integers.every(({ topLogprobs }) => topLogprobs.length === 0))
    refuse(
      'judge-without-logprobs',
      `${who} gives no log probabilities, which the protocol logprob-0-100 scores by. ${alternatives}, from a server that returns top_logprobs.`,
    )
  const split = integers.filter(({ status }) => status === 'split')
  if (split.length > 0)
    refuse(
      'judge-splits-integers',
      `${who} splits integers into digits (${split.map(describe).join(', ')}): the protocol logprob-0-100 would read only their beginning. ${alternatives}.`,
    )
  const unclear = integers.filter(({ status }) => status === 'unclear')
  if (unclear.length > 0)
    refuse(
      'judge-probe-unclear',
      `${who}, told to reply with an integer, says something else (${unclear.map(describe).join(', ')}). ${alternatives}.`,
    )
}

function describe({ integer, topLogprobs }: ProbedInteger): string {
  const leader = topLogprobs.toSorted((a, b) => b.logprob - a.logprob)[0]?.token.slice(0, 20)
  return `${integer}: ${leader === undefined ? 'no log probabilities' : JSON.stringify(leader)}`
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}
