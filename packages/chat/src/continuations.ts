import type { Attempt } from './attempt.ts'
import { readUsage, type Usage } from './chat-completion.ts'
import { badRequest, type ChatMessage } from './chat-request.ts'
import { arrayAt, malformed, objectAt, optionalString } from './read-json.ts'

/** Answers whose probability after the messages is asked for. */
export interface ContinuationRequest {
  /** At least one. */
  readonly messages: readonly ChatMessage[]
  /** At least one; each is a whole answer. An empty one is an answer that ends at once. */
  readonly continuations: readonly string[]
}

export interface ContinuationScores {
  /** In the order of the continuations: natural logarithm of the probability of its tokens and the end of the turn after them. */
  readonly logprobs: readonly number[]
  /** How many tokens each of these sums has, the end of the turn included. */
  readonly nTokens: readonly number[]
  /** The model that the server says has scored. */
  readonly model: string | undefined
  readonly systemFingerprint: string | undefined
  readonly usage: Usage | undefined
  readonly requestId: string | undefined
  /** All HTTP requests of this call, the successful one last. */
  readonly attempts: readonly Attempt[]
}

/** @throws CemError `bad-chat-request` */
export function continuationsBody(
  model: string,
  { messages, continuations }: ContinuationRequest,
): Record<string, unknown> {
  if (messages.length === 0) throw badRequest('messages is empty: give at least one message')
  if (continuations.length === 0)
    throw badRequest('continuations is empty: give at least one answer to score')
  return { model, messages, continuations }
}

/**
 * Reads `{ model, continuations: [{ index, logprob, n_tokens }], usage }`, the entries in any order.
 *
 * @throws CemError `chat-malformed-response` where one is missing, there twice, or not a log-probability
 */
export function readContinuations(
  body: unknown,
  nContinuations: number,
): Omit<ContinuationScores, 'requestId' | 'attempts'> {
  const root = objectAt(body, 'the answer')
  const logprobs = Array.from({ length: nContinuations }, () => Number.NaN)
  const nTokens = Array.from({ length: nContinuations }, () => 0)
  const entries = arrayAt(root['continuations'], 'continuations')
  for (const [at, entry] of entries.entries()) {
    const where = `continuations[${at}]`
    const { index, logprob, n_tokens: count } = objectAt(entry, where)
    if (typeof index !== 'number' || !(index in logprobs) || !Number.isNaN(logprobs[index]))
      throw malformed(`${where}.index is ${JSON.stringify(index)}`)
    // A sum of log-probabilities is never above 0, but for rounding.
    if (typeof logprob !== 'number' || !(logprob <= 1e-3))
      throw malformed(`${where}.logprob is ${JSON.stringify(logprob)}`)
    if (typeof count !== 'number' || !(count >= 1))
      throw malformed(`${where}.n_tokens is ${JSON.stringify(count)}`)
    logprobs[index] = Math.min(0, logprob)
    nTokens[index] = count
  }
  if (entries.length !== nContinuations)
    throw malformed(`continuations has ${entries.length} entries for ${nContinuations}`)
  return {
    logprobs,
    nTokens,
    model: optionalString(root['model'], 'model'),
    systemFingerprint: optionalString(root['system_fingerprint'], 'system_fingerprint'),
    usage: readUsage(root['usage']),
  }
}
