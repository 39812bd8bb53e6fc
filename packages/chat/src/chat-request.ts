import { CemError } from '@cem/core'

export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant'
  readonly content: string
}

/** The form that the answer must have. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema'
      /** Letters, digits, `_` and `-`, at most 64. */
      readonly name: string
      /** A JSON Schema. */
      readonly schema: Readonly<Record<string, unknown>>
      /** Whether the answer is held to the schema while it is sampled. @default true */
      readonly strict?: boolean
    }

/** What is asked of the model. Only what is given is sent, so the server's own defaults hold for the rest. */
export interface ChatRequest {
  /** At least one. */
  readonly messages: readonly ChatMessage[]
  /** Sent as `max_tokens`. */
  readonly maxTokens?: number
  /** Sent as `max_completion_tokens`, which newer models of OpenAI want in place of `max_tokens`; reasoning counts. */
  readonly maxCompletionTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly seed?: number
  readonly stop?: readonly string[]
  /** Asks for log probabilities with this many alternatives per token, 0 to 20. */
  readonly topLogprobs?: number
  /** Added to the logits of tokens, by token id, -100 to 100. */
  readonly logitBias?: Readonly<Record<string, number>>
  readonly responseFormat?: ResponseFormat
  /** Further members of the request's JSON body, in the server's own spelling. */
  readonly extraBody?: Readonly<Record<string, unknown>>
}

/**
 * The JSON body of the request.
 *
 * @throws CemError `bad-chat-request`
 */
export function chatBody(model: string, request: ChatRequest): Record<string, unknown> {
  check(request)
  const { messages, maxTokens, maxCompletionTokens, temperature, topP, seed, stop } = request
  const { topLogprobs, logitBias, responseFormat, extraBody } = request
  return {
    model,
    messages,
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(maxCompletionTokens !== undefined && { max_completion_tokens: maxCompletionTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(seed !== undefined && { seed }),
    ...(stop !== undefined && { stop }),
    ...(topLogprobs !== undefined && { logprobs: true, top_logprobs: topLogprobs }),
    ...(logitBias !== undefined && { logit_bias: logitBias }),
    ...(responseFormat !== undefined && { response_format: formatBody(responseFormat) }),
    ...extraBody,
  }
}

function check(request: ChatRequest): void {
  const { messages, maxTokens, maxCompletionTokens, topLogprobs, logitBias } = request
  if (messages.length === 0) throw badRequest('messages is empty: give at least one message')
  if (topLogprobs !== undefined && !isIntegerWithin(topLogprobs, 0, 20))
    throw badRequest(`topLogprobs is ${topLogprobs}: give an integer from 0 to 20`)
  for (const [name, value] of Object.entries({ maxTokens, maxCompletionTokens }))
    if (value !== undefined && !isIntegerWithin(value, 1, Number.MAX_SAFE_INTEGER))
      throw badRequest(`${name} is ${value}: give an integer of at least 1`)
  if (maxTokens !== undefined && maxCompletionTokens !== undefined)
    throw badRequest('maxTokens and maxCompletionTokens are both given: a server takes one of them')
  for (const [id, bias] of Object.entries(logitBias ?? {}))
    if (!/^\d+$/.test(id) || !(bias >= -100 && bias <= 100))
      throw badRequest(
        `logitBias has ${JSON.stringify(id)}: ${bias}; give token ids with numbers from -100 to 100`,
      )
}

function formatBody(format: ResponseFormat): Record<string, unknown> {
  if (format.type !== 'json_schema') return { type: format.type }
  const { type, name, schema, strict = true } = format
  if (!/^[\w-]{1,64}$/.test(name))
    throw badRequest(
      `the name of responseFormat is ${JSON.stringify(name)}: give up to 64 letters, digits, '_' and '-'`,
    )
  return { type, json_schema: { name, schema, strict } }
}

function isIntegerWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

export function badRequest(what: string): CemError {
  return new CemError({
    code: 'bad-chat-request',
    message: `The chat request cannot be sent: ${what}.`,
  })
}
