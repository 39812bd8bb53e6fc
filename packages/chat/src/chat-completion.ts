import type { Attempt } from './attempt.ts'
import { arrayAt, isAbsent, malformed, objectAt, optionalString } from './read-json.ts'

export interface TokenLogprob {
  readonly token: string
  /** Natural logarithm of the probability. */
  readonly logprob: number
}

/** A token of the answer with the alternatives at its place, in the server's order. */
export interface PositionLogprobs extends TokenLogprob {
  readonly topLogprobs: readonly TokenLogprob[]
}

export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  /** Those of `promptTokens` that the server read from its cache; absent where it does not say. */
  readonly cachedPromptTokens?: number
}

/** What the model answered, with the record of how the answer was got. */
export interface ChatCompletion {
  /** Empty where the model gave no text. */
  readonly text: string
  /** The model's refusal, where the server reports one apart from the text. */
  readonly refusal: string | undefined
  /** `stop`, `length`, `content_filter`, ... as the server says it. */
  readonly finishReason: string | undefined
  /** The alternatives at the FIRST token as the server sent them: token and logprob, in its order. Undefined where it sent none. */
  readonly topLogprobs: readonly TokenLogprob[] | undefined
  /** Every token of the answer with its alternatives. Undefined where the server sent none. */
  readonly logprobs: readonly PositionLogprobs[] | undefined
  /** The model that the server says answered, usually a dated snapshot. */
  readonly model: string | undefined
  readonly systemFingerprint: string | undefined
  readonly usage: Usage | undefined
  readonly requestId: string | undefined
  /** All HTTP requests of this call, the successful one last. */
  readonly attempts: readonly Attempt[]
}

/**
 * Reads the JSON of a chat completion.
 *
 * @throws CemError `chat-malformed-response` that names the member which is not as the protocol has it
 */
export function readCompletion(body: unknown): Omit<ChatCompletion, 'requestId' | 'attempts'> {
  if (typeof body === 'string') throw malformed('the answer is not JSON')
  const root = objectAt(body, 'the answer')
  const choice = objectAt(arrayAt(root['choices'], 'choices')[0], 'choices[0]')
  const message = objectAt(choice['message'], 'choices[0].message')
  const logprobs = readLogprobs(choice['logprobs'])
  return {
    text: optionalString(message['content'], 'choices[0].message.content') ?? '',
    refusal: optionalString(message['refusal'], 'choices[0].message.refusal'),
    finishReason: optionalString(choice['finish_reason'], 'choices[0].finish_reason'),
    topLogprobs: logprobs?.[0]?.topLogprobs,
    logprobs,
    model: optionalString(root['model'], 'model'),
    systemFingerprint: optionalString(root['system_fingerprint'], 'system_fingerprint'),
    usage: readUsage(root['usage']),
  }
}

function readLogprobs(value: unknown): PositionLogprobs[] | undefined {
  if (isAbsent(value)) return undefined
  const content = objectAt(value, 'choices[0].logprobs')['content']
  if (isAbsent(content)) return undefined
  return arrayAt(content, 'choices[0].logprobs.content').map((position, i) => {
    const where = `choices[0].logprobs.content[${i}]`
    const { top_logprobs: top } = objectAt(position, where)
    const alternatives = isAbsent(top) ? [] : arrayAt(top, `${where}.top_logprobs`)
    return {
      ...readTokenLogprob(position, where),
      topLogprobs: alternatives.map((one, j) => readTokenLogprob(one, `${where}[${j}]`)),
    }
  })
}

function readTokenLogprob(value: unknown, where: string): TokenLogprob {
  const { token, logprob } = objectAt(value, where)
  if (typeof token !== 'string') throw malformed(`${where}.token is not text`)
  if (typeof logprob !== 'number') throw malformed(`${where}.logprob is not a number`)
  return { token, logprob }
}

/** Undefined where nothing is reported. */
export function readUsage(value: unknown): Usage | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const usage = value as Record<string, unknown>
  const { prompt_tokens: prompt, completion_tokens: completion } = usage
  const details = usage['prompt_tokens_details'] as { cached_tokens?: unknown } | undefined | null
  const cached = details?.cached_tokens
  return {
    promptTokens: countOf(prompt),
    completionTokens: countOf(completion),
    ...(typeof cached === 'number' && { cachedPromptTokens: countOf(cached) }),
  }
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0
}
