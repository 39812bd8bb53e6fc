import { turnsOf } from './allotment.ts'
import type { Attempt } from './attempt.ts'
import { type CallCounters, newCounters } from './call-counters.ts'
import { createCallQueue } from './call-queue.ts'
import {
  type ChatClientOptions,
  checkAllotment,
  checkBounds,
  checkModel,
} from './chat-client-options.ts'
import { type ChatCompletion, readCompletion } from './chat-completion.ts'
import { chatError, continuationsPath } from './chat-errors.ts'
import { badRequest, type ChatMessage, type ChatRequest, chatBody } from './chat-request.ts'
import { connect } from './connection.ts'
import {
  type ContinuationRequest,
  type ContinuationScores,
  continuationsBody,
  readContinuations,
} from './continuations.ts'
import { createCostBudget } from './cost/cost-budget.ts'
import { type CostEstimate, sumEstimates } from './cost/cost-estimate.ts'
import { estimateTokens, TokenRate } from './cost/token-estimate.ts'
import { createRateLimiter, type LimiterState } from './limiter/rate-limiter.ts'
import { sendWithRetries } from './send-with-retries.ts'

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

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
   * @throws CemError `bad-chat-request`, `request-over-budget`; `cost-limit`, whose `data` is `CostLimitData`;
   * `chat-attempts-exhausted`, `chat-deadline-exceeded`, `chat-unauthorized`, `chat-forbidden`, `chat-not-found`,
   * `chat-quota-exhausted`, `chat-request-refused`, `chat-unreachable`, `chat-malformed-response`, whose `data` is `ChatErrorData`:
   * all attempts with their reasons.
   */
  complete(request: ChatRequest, options?: CallOptions): Promise<ChatCompletion>
  /**
   * The probabilities of given answers, by `POST /continuations`, which `cem serve` answers.
   *
   * @throws as `complete`; CemError `chat-no-continuations` where the server has no such path
   */
  scoreContinuations(
    request: ContinuationRequest,
    options?: CallOptions,
  ): Promise<ContinuationScores>
  /**
   * What requests would cost, before any is sent. It gets nearer as answers show how many tokens a byte is.
   *
   * @throws CemError `bad-chat-request`
   */
  estimateCost(requests: Iterable<ChatRequest>): CostEstimate
  /** The counts at this moment. */
  counters(): CallCounters
  /** How many requests may be under way now, and what holds others back. */
  limiterState(): LimiterState
}

interface Call<Content> {
  readonly path: string
  readonly body: Record<string, unknown>
  readonly prompts: readonly ChatMessage[]
  readonly read: (body: unknown) => Content
}

/** What is known of an answer besides its content. */
type Answered<Content> = Content & {
  readonly requestId: string | undefined
  readonly attempts: readonly Attempt[]
}

/**
 * A client of an OpenAI-compatible chat server. Nothing is sent, and the `openai` package not loaded, before the first call.
 *
 * @throws CemError `bad-chat-option`, `bad-base-url`, `missing-api-key`, `bad-api-key`
 */
export function createChatClient(options: ChatClientOptions): ChatClient {
  const { model, prices, countTokens, maxCostUsd, onEvent } = options
  const { concurrency = options.limiter?.concurrency ?? 16, clock } = options
  const { timeoutInMs = 60_000, maxAttempts = 6, deadlineInMs = 600_000 } = options
  const { baseDelayInMs = 500, maxDelayInMs = 30_000 } = options
  const bounds = { timeoutInMs, maxAttempts, deadlineInMs, baseDelayInMs, maxDelayInMs }
  checkModel(model)
  checkBounds({ concurrency, ...bounds })
  checkAllotment(options)
  const connection = connect(options)
  const { baseUrl, apiKeyVariable, hasKey } = connection
  const { initialConcurrency, adaptive, requestsPerMinute, tokensPerMinute } = options
  const limiter =
    options.limiter ??
    createRateLimiter({
      concurrency,
      ...(initialConcurrency !== undefined && { initialConcurrency }),
      ...(adaptive !== undefined && { adaptive }),
      ...(requestsPerMinute !== undefined && { requestsPerMinute }),
      ...(tokensPerMinute !== undefined && { tokensPerMinute }),
      ...(onEvent && { onEvent }),
      ...(clock && { clock }),
    })
  const costBudget =
    options.costBudget ??
    (maxCostUsd === undefined ? undefined : createCostBudget({ maxUsd: maxCostUsd }))
  const counters = newCounters(prices !== undefined)
  const rate = new TokenRate()
  const allotment = { limiter, prices, costBudget, counters, rate }
  const queue = createCallQueue(concurrency, counters)
  let hasAnswered = false

  const estimate = (body: Record<string, unknown>) =>
    estimateTokens(body, { countTokens, tokensPerByte: rate.tokensPerByte })

  const onAttempt = (attempt: Attempt) => {
    counters.attempts++
    if (attempt.status !== undefined) hasAnswered = true
    onEvent?.({ type: 'attempt-end', attempt, counters: { ...counters } })
  }

  const send = async <Content>(
    { path, body, prompts, read }: Call<Content>,
    signal: AbortSignal | undefined,
  ): Promise<Answered<Content>> => {
    const redactReason = (reason: string) =>
      connection.redact(
        reason,
        prompts.map(({ content }) => content),
      )
    const result = await sendWithRetries(
      { method: 'post', path, body },
      {
        ...connection,
        ...bounds,
        signal,
        redactReason,
        hasAnswered: () => hasAnswered,
        read: (reply, headers) => ({
          content: read(reply),
          requestId: headers.get('x-request-id') ?? undefined,
        }),
        begin: turnsOf(estimate(body), allotment, signal),
        onAttempt,
      },
    )
    const { attempts } = result
    if (result.content) {
      const { content, requestId } = result.content
      return { ...content, requestId, attempts }
    }
    const reason = redactReason(result.failure.reason)
    throw chatError({ ...result, path, reason, url: baseUrl.shown, model, apiKeyVariable, hasKey })
  }

  const perform = async <Content>(call: Call<Content>, { signal }: CallOptions) => {
    if (costBudget && estimate(call.body).mostCompletionTokens === null)
      throw badRequest(
        'it sets no longest answer, so that its worst case is unknown and the cost limit could not be kept; give maxTokens or maxCompletionTokens',
      )
    counters.calls++
    let outcome: 'answered' | 'failed' | 'aborted' = 'answered'
    try {
      return await queue(() => send(call, signal), signal)
    } catch (error) {
      outcome = signal?.aborted ? 'aborted' : 'failed'
      if (outcome === 'aborted') counters.aborted++
      else counters.failures++
      throw error
    } finally {
      onEvent?.({ type: 'call-end', outcome, counters: { ...counters } })
    }
  }

  return {
    model,
    baseUrl: baseUrl.shown,
    concurrency,
    apiKeyVariable,
    complete: async (request, callOptions = {}) => {
      callOptions.signal?.throwIfAborted()
      const body = chatBody(model, request)
      const prompts = request.messages
      const call = { path: '/chat/completions', body, prompts, read: readCompletion }
      return perform(call, callOptions)
    },
    scoreContinuations: async (request, callOptions = {}) => {
      callOptions.signal?.throwIfAborted()
      const body = continuationsBody(model, request)
      const { messages, continuations } = request
      const prompts = [
        ...messages,
        ...continuations.map((content) => ({ role: 'assistant' as const, content })),
      ]
      const read = (reply: unknown) => readContinuations(reply, continuations.length)
      return perform({ path: continuationsPath, body, prompts, read }, callOptions)
    },
    estimateCost: (requests) =>
      sumEstimates(
        Array.from(requests, (request) => estimate(chatBody(model, request))),
        prices,
      ),
    counters: () => ({ ...counters }),
    limiterState: () => limiter.state(),
  }
}
