import { randomInt } from 'node:crypto'
import { randomSource } from '@cem/core'
import { resolveApiKey } from './api-key.ts'
import type { Attempt } from './attempt.ts'
import { parseBaseUrl } from './base-url.ts'
import { type CallCounters, countUsage, newCounters } from './call-counters.ts'
import { createCallQueue } from './call-queue.ts'
import { type ChatClientOptions, checkChatClientOptions } from './chat-client-options.ts'
import type { ChatCompletion } from './chat-completion.ts'
import { chatError } from './chat-errors.ts'
import { type ChatRequest, chatBody } from './chat-request.ts'
import { systemClock } from './clock.ts'
import { createOpenAITransport } from './openai-transport.ts'
import { redact, type Secret } from './redact.ts'
import { sendWithRetries } from './send-with-retries.ts'

export interface ChatClient {
  readonly model: string
  /** The base URL without its query. */
  readonly baseUrl: string
  readonly concurrency: number
  /** The environment variable that the key comes from, for advice. */
  readonly apiKeyVariable: string
  /**
   * Asks once its turn has come, and retries what may pass.
   *
   * @throws the signal's reason, as soon as it aborts: in the queue, on the wire, between attempts.
   * @throws CemError `bad-chat-request`; `chat-attempts-exhausted`, `chat-deadline-exceeded`, `chat-unauthorized`,
   * `chat-forbidden`, `chat-not-found`, `chat-quota-exhausted`, `chat-request-refused`, `chat-unreachable`,
   * `chat-malformed-response`, whose `data` is `ChatErrorData`: all attempts with their reasons.
   */
  complete(
    request: ChatRequest,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<ChatCompletion>
  /** The counts at this moment. */
  counters(): CallCounters
}

/**
 * A client of an OpenAI-compatible chat server. Nothing is sent, and the `openai` package not loaded, before the first call.
 *
 * @throws CemError `bad-chat-option`, `bad-base-url`, `missing-api-key`, `bad-api-key`
 */
export function createChatClient({
  model,
  baseUrl: givenUrl = 'https://api.openai.com/v1',
  apiKey: givenKey,
  apiKeyVariable = 'OPENAI_API_KEY',
  keyHeader = 'authorization',
  headers = {},
  concurrency = 16,
  timeoutInMs = 60_000,
  maxAttempts = 6,
  deadlineInMs = 600_000,
  baseDelayInMs = 500,
  maxDelayInMs = 30_000,
  seed = randomInt(2 ** 32),
  clock = systemClock,
  environment = process.env,
}: ChatClientOptions): ChatClient {
  const bounds = {
    concurrency,
    timeoutInMs,
    maxAttempts,
    deadlineInMs,
    baseDelayInMs,
    maxDelayInMs,
  }
  checkChatClientOptions({ model, ...bounds })
  const baseUrl = parseBaseUrl(givenUrl)
  const apiKey = resolveApiKey({ apiKey: givenKey, apiKeyVariable, baseUrl, environment })
  const transport = createOpenAITransport({ baseUrl, apiKey, keyHeader, headers })
  const random = randomSource('chat-backoff', seed)
  const secrets = secretsOf(apiKey, headers)
  const counters = newCounters()
  let hasAnswered = false
  const queue = createCallQueue(concurrency, counters)

  const onAttempt = (attempt: Attempt) => {
    counters.attempts++
    if (attempt.status !== undefined) hasAnswered = true
  }

  const send = async (request: ChatRequest, signal: AbortSignal | undefined) => {
    const hidden = [...secrets, ...promptsOf(request)]
    const redactReason = (reason: string) => redact(reason, hidden)
    const result = await sendWithRetries(chatBody(model, request), {
      ...bounds,
      transport,
      clock,
      random,
      signal,
      redactReason,
      hasAnswered: () => hasAnswered,
      onAttempt,
    })
    if (!result.completion) {
      const reason = redactReason(result.failure.reason)
      const hasKey = apiKey !== null
      throw chatError({ ...result, reason, url: baseUrl.shown, model, apiKeyVariable, hasKey })
    }
    countUsage(counters, result.completion.usage)
    return result.completion
  }

  return {
    model,
    baseUrl: baseUrl.shown,
    concurrency,
    apiKeyVariable,
    complete: async (request, { signal } = {}) => {
      signal?.throwIfAborted()
      chatBody(model, request)
      counters.calls++
      try {
        return await queue(() => send(request, signal), signal)
      } catch (error) {
        if (signal?.aborted) counters.aborted++
        else counters.failures++
        throw error
      }
    },
    counters: () => ({ ...counters }),
  }
}

/** Shorter texts than this are words that occur anywhere; only the key is taken out at any length. */
const leastHiddenLength = 6

function secretsOf(apiKey: string | null, headers: Readonly<Record<string, string>>): Secret[] {
  const values = Object.values(headers).filter((value) => value.length >= leastHiddenLength)
  if (apiKey !== null) values.push(apiKey)
  return values.map((value) => ({ value, label: '[key]' }))
}

function promptsOf({ messages }: ChatRequest): Secret[] {
  return messages
    .filter(({ content }) => content.length >= leastHiddenLength)
    .map(({ content }) => ({ value: content, label: '[prompt]' }))
}
