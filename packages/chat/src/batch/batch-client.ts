import { backoffDelay } from '../backoff.ts'
import {
  type AllotmentOptions,
  checkAllotment,
  checkBounds,
  checkModel,
} from '../chat-client-options.ts'
import { chatBody } from '../chat-request.ts'
import { type ConnectionOptions, connect } from '../connection.ts'
import { createCostBudget } from '../cost/cost-budget.ts'
import { type CostEstimate, sumEstimates } from '../cost/cost-estimate.ts'
import { estimateTokens } from '../cost/token-estimate.ts'
import { badOption } from '../limiter/limiter-options.ts'
import { createBatchApi } from './batch-api.ts'
import type { BatchOutcome } from './batch-outcome.ts'
import { type BatchItem, planParts } from './batch-plan.ts'
import { type BatchEvent, pollBatches } from './batch-poll.ts'
import { type BatchSummary, readResults } from './batch-results.ts'
import { type BatchState, checkState, hasEnded } from './batch-state.ts'
import { matchParts, newState, submitParts } from './batch-submit.ts'

export interface BatchClientOptions
  extends ConnectionOptions,
    Pick<AllotmentOptions, 'prices' | 'maxCostUsd' | 'countTokens'> {
  /** How long the server may take, as it writes it. @default '24h' */
  readonly completionWindow?: string
  /** The path that each request of a batch names; Azure's is '/chat/completions'. @default '/v1/chat/completions', for Azure '/chat/completions' */
  readonly endpoint?: string
  /** Requests in one batch, at least 1. @default 50_000 */
  readonly maxRequestsPerBatch?: number
  /** Bytes of one uploaded file, at least 1. @default 200_000_000 */
  readonly maxBytesPerBatch?: number
  /** The wait before the second look, in milliseconds; half as much again with each that shows nothing new. @default 5_000 */
  readonly pollIntervalInMs?: number
  /** The longest wait between two looks, in milliseconds. @default 60_000 */
  readonly maxPollIntervalInMs?: number
}

export interface SubmitOptions {
  /**
   * A name of the run, kept with the server's batches, 1 to 256 characters. Requests that were submitted under it once are not
   * submitted again: their batches are found and taken over. Choose another to have the same requests answered once more.
   */
  readonly runKey: string
  /** What `onState` gave last, where an earlier submission was interrupted. @default none */
  readonly state?: unknown
  /** Stores the state; awaited before and after each step that costs money. */
  readonly onState?: (state: BatchState) => void | Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface BatchClient {
  readonly model: string
  /** The base URL without its query. */
  readonly baseUrl: string
  /** What the items would cost by `prices`, which must be those of batches. */
  estimateCost(items: readonly BatchItem[]): CostEstimate
  /**
   * Uploads the requests and creates their batches. Called again, it goes on where it was: batches that exist are taken over, and
   * those that the server refused whole are created anew.
   *
   * @throws the signal's reason; whatever `onState` throws
   * @throws CemError `bad-batch-items`, `batch-request-too-large`, `bad-chat-request`, `cost-limit` (nothing is submitted then),
   *   `batch-state-invalid`, `batch-state-mismatch`, and those of `ChatClient.complete`; what was done by then is in the state
   */
  submit(items: readonly BatchItem[], options: SubmitOptions): Promise<BatchState>
  /**
   * Looks until every batch has ended, less often the longer nothing happens, and gives what changed. Returns the state at the end.
   *
   * @throws as `submit`; it can be called again
   */
  poll(
    state: BatchState,
    options?: Pick<SubmitOptions, 'onState' | 'signal'>,
  ): AsyncGenerator<BatchEvent, BatchState>
  /**
   * What became of each item: every one comes once, also those without an answer. Batches that have not ended give what they have.
   *
   * @param items the same as were submitted
   * @throws as `submit`
   */
  results(
    state: BatchState,
    items: readonly BatchItem[],
    options?: Pick<SubmitOptions, 'signal'>,
  ): AsyncGenerator<BatchOutcome, BatchSummary>
  /** Asks the server to end all batches that run. What they have done by then is billed and among the results. */
  cancel(state: BatchState, options?: Pick<SubmitOptions, 'signal'>): Promise<BatchState>
}

const limits = {
  maxRequestsPerBatch: 1,
  maxBytesPerBatch: 1,
  pollIntervalInMs: 0,
  maxPollIntervalInMs: 0,
} as const

/**
 * A client of OpenAI's Batch API and of those that copy it. Nothing is sent before the first call.
 *
 * @throws CemError `bad-chat-option`, `bad-base-url`, `missing-api-key`, `bad-api-key`
 */
export function createBatchClient(options: BatchClientOptions): BatchClient {
  const { model, prices, maxCostUsd, countTokens, completionWindow = '24h' } = options
  const { endpoint = options.provider === 'azure' ? '/chat/completions' : '/v1/chat/completions' } =
    options
  const { maxRequestsPerBatch = 50_000, maxBytesPerBatch = 200_000_000 } = options
  const { pollIntervalInMs = 5000, maxPollIntervalInMs = 60_000 } = options
  const {
    timeoutInMs = 600_000,
    maxAttempts = 6,
    baseDelayInMs = 500,
    maxDelayInMs = 30_000,
  } = options
  const bounds = { timeoutInMs, maxAttempts, baseDelayInMs, maxDelayInMs }
  checkModel(model)
  checkBounds(bounds)
  checkAllotment({
    ...(prices && { prices }),
    ...(maxCostUsd !== undefined && { maxCostUsd }),
  })
  const sizes = { maxRequestsPerBatch, maxBytesPerBatch, pollIntervalInMs, maxPollIntervalInMs }
  for (const [name, least] of Object.entries(limits)) {
    const value = sizes[name as keyof typeof limits]
    if (!(Number.isFinite(value) && value >= least))
      throw badOption(name, value, `a number of at least ${least}`)
  }
  const connection = connect(options)
  const { clock, random } = connection
  const url = connection.baseUrl.shown
  const redact = (text: string) => connection.redact(text)
  const api = createBatchApi({ ...bounds, connection, model, completionWindow, endpoint })
  const planOptions = { model, endpoint, maxRequestsPerBatch, maxBytesPerBatch }

  const estimateCost = (items: readonly BatchItem[]) =>
    sumEstimates(
      items.map(({ request }) => estimateTokens(chatBody(model, request), { countTokens })),
      prices,
    )

  const checkCost = async (items: readonly BatchItem[]) => {
    if (maxCostUsd === undefined) return
    const { mostUsd } = estimateCost(items)
    if (mostUsd === null)
      throw badOption(
        'maxCostUsd',
        maxCostUsd,
        'maxTokens or maxCompletionTokens to every request with it',
      )
    await createCostBudget({ maxUsd: maxCostUsd }).reserve(mostUsd)
  }

  const replace = (state: BatchState, at: number, part: Partial<BatchState['parts'][number]>) => ({
    ...state,
    parts: state.parts.map((one, i) => (i === at ? { ...one, ...part } : one)),
  })

  return {
    model,
    baseUrl: url,
    estimateCost,
    submit: async (items, { runKey, state: stored, onState = () => undefined, signal }) => {
      signal?.throwIfAborted()
      if (typeof runKey !== 'string' || runKey.length < 1 || runKey.length > 256)
        throw badOption('runKey', runKey, 'a text of 1 to 256 characters')
      const planned = planParts(items, planOptions)
      await checkCost(items)
      const state =
        stored === undefined || stored === null
          ? newState(
              { runKey, model, url, createdAt: new Date(clock.now()).toISOString() },
              planned,
            )
          : checkState(stored, { runKey, model, url })
      matchParts(state, planned)
      const wait = (attempt: number) =>
        clock.sleep(backoffDelay(attempt, undefined, bounds, random), signal)
      return submitParts(state, planned, {
        api,
        planOptions,
        maxAttempts,
        wait,
        redact,
        onState,
        signal,
      })
    },
    poll: (given, { onState = () => undefined, signal } = {}) =>
      pollBatches(checkState(given, { model, url }), {
        api,
        onState,
        signal,
        redact,
        pollIntervalInMs,
        maxPollIntervalInMs,
        // Several processes that poll do not do it in step.
        sleep: (delayInMs) => clock.sleep(delayInMs * (0.8 + 0.4 * random.uniform()), signal),
      }),
    results: (given, items, { signal } = {}) => {
      const state = checkState(given, { model, url })
      const planned = planParts(items, planOptions)
      matchParts(state, planned)
      const parts = state.parts.flatMap((part, i) => {
        const one = planned[i]
        return one ? [{ part, planned: one }] : []
      })
      const hide = (text: string, prompts: readonly string[]) => connection.redact(text, prompts)
      return readResults(parts, { api, prices, redact: hide, signal })
    },
    cancel: async (given, { signal } = {}) => {
      let state = checkState(given, { model, url })
      for (const [at, part] of state.parts.entries()) {
        if (part.batchId === null || hasEnded(part)) continue
        const { status, nCompleted, nFailed, outputFileId, errorFileId } = await api.cancel(
          part.batchId,
          signal,
        )
        state = replace(state, at, { status, nCompleted, nFailed, outputFileId, errorFileId })
      }
      return state
    },
  }
}
