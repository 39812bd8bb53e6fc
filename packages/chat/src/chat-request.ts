import { CemError } from '@cem/core'

export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant'
  readonly content: string
}

/** What is asked of the model. Only what is given is sent, so the server's own defaults hold for the rest. */
export interface ChatRequest {
  /** At least one. */
  readonly messages: readonly ChatMessage[]
  /** Sent as `max_tokens`. For models that want `max_completion_tokens`, put that into `extraBody`. */
  readonly maxTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly seed?: number
  readonly stop?: readonly string[]
  /** Asks for log probabilities with this many alternatives per token, 0 to 20. */
  readonly topLogprobs?: number
  /** Further members of the request's JSON body, in the server's own spelling. */
  readonly extraBody?: Readonly<Record<string, unknown>>
}

/**
 * The JSON body of the request.
 *
 * @throws CemError `bad-chat-request`
 */
export function chatBody(model: string, request: ChatRequest): Record<string, unknown> {
  const { messages, maxTokens, temperature, topP, seed, stop, topLogprobs, extraBody } = request
  if (messages.length === 0) throw bad('messages is empty: give at least one message')
  if (topLogprobs !== undefined && !isIntegerWithin(topLogprobs, 0, 20))
    throw bad(`topLogprobs is ${topLogprobs}: give an integer from 0 to 20`)
  if (maxTokens !== undefined && !isIntegerWithin(maxTokens, 1, Number.MAX_SAFE_INTEGER))
    throw bad(`maxTokens is ${maxTokens}: give an integer of at least 1`)
  return {
    model,
    messages,
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(seed !== undefined && { seed }),
    ...(stop !== undefined && { stop }),
    ...(topLogprobs !== undefined && { logprobs: true, top_logprobs: topLogprobs }),
    ...extraBody,
  }
}

function isIntegerWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function bad(what: string): CemError {
  return new CemError({
    code: 'bad-chat-request',
    message: `The chat request cannot be sent: ${what}.`,
  })
}
