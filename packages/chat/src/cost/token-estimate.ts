import type { Usage } from '../chat-completion.ts'

/** The tokens of a request before it is sent. */
export interface TokenEstimate {
  /** Of the prompt, most likely. */
  readonly promptTokens: number
  /** That the prompt cannot exceed: a token for each byte of the request, or the given count, and the template's own. */
  readonly mostPromptTokens: number
  /** The longest answer; null where the request sets no limit. */
  readonly mostCompletionTokens: number | null
  /** Bytes of the request in UTF-8, without the answers that it gives to score. */
  readonly bytes: number
}

export interface EstimateOptions {
  /** Tokens of a text as the model counts them. */
  readonly countTokens?: ((text: string) => number) | undefined
  /** Where there is no `countTokens`. @default 1 / 3 */
  readonly tokensPerByte?: number | undefined
}

/** What a chat template may add to each message, and to all of them: role marks, a system message of its own. */
const tokensPerMessage = 16
const tokensOfTemplate = 64

/** English has about 4.5 bytes per token in current vocabularies; other scripts and code have fewer. */
export const defaultTokensPerByte = 1 / 3

/**
 * Estimates from a request's JSON body. The bound holds for tokenizers whose tokens stand for at least one byte each, as those of
 * all current models do.
 */
export function estimateTokens(
  body: Readonly<Record<string, unknown>>,
  { countTokens, tokensPerByte = defaultTokensPerByte }: EstimateOptions = {},
): TokenEstimate {
  // Given answers count as what they are: they are no part of the prompt.
  const { continuations: _answers, ...prompt } = body
  const bytes = Buffer.byteLength(JSON.stringify(prompt))
  const mostCompletionTokens = longestAnswer(body)
  const messages = Array.isArray(body['messages'])
    ? (body['messages'] as { content: string }[])
    : []
  const overhead = tokensOfTemplate + tokensPerMessage * messages.length
  if (countTokens === undefined) {
    const promptTokens = Math.ceil(bytes * tokensPerByte)
    return { promptTokens, mostPromptTokens: bytes + overhead, mostCompletionTokens, bytes }
  }
  const { messages: _messages, ...rest } = prompt
  // A schema and the like are read by the model too.
  const restBytes = Buffer.byteLength(JSON.stringify(rest))
  const counted = messages.reduce((sum, { content }) => sum + countTokens(content), 0)
  return {
    promptTokens: Math.ceil(counted + 4 * messages.length),
    mostPromptTokens: Math.ceil(counted) + restBytes + overhead,
    mostCompletionTokens,
    bytes,
  }
}

function longestAnswer(body: Readonly<Record<string, unknown>>): number | null {
  const { continuations, n } = body
  // Every byte of a continuation may be a token, and each has an end.
  if (Array.isArray(continuations))
    return continuations.reduce((sum, text) => sum + Buffer.byteLength(String(text)) + 1, 0)
  const most = body['max_completion_tokens'] ?? body['max_tokens']
  if (typeof most !== 'number') return null
  return most * (typeof n === 'number' ? n : 1)
}

/** Tokens per byte as this model counts them, learnt from its answers. */
export class TokenRate {
  // As if some text had been seen before, so that one short prompt does not decide.
  #bytes = 3000
  #tokens = 3000 * defaultTokensPerByte

  get tokensPerByte(): number {
    return this.#tokens / this.#bytes
  }

  note({ bytes }: TokenEstimate, usage: Usage | undefined): void {
    if (usage === undefined || usage.promptTokens === 0) return
    this.#bytes += bytes
    this.#tokens += usage.promptTokens
  }
}
