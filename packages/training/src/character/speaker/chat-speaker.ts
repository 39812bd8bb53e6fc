import {
  type ChatClient,
  type ChatRequest,
  type CostBudget,
  createChatClient,
  isCostLimitError,
  isUnreachableError,
} from '@cem/chat'
import { CemError, randomKey } from '@cem/core'
import type { ChatSpeakerConfig, Sampling } from '../config/speaker-schema.ts'
import { inPool } from './in-pool.ts'
import type { AnswerRequest, Speaker, SpeechFailure, SpokenAnswer } from './speaker.ts'

export interface ChatSpeakerOptions {
  readonly config: ChatSpeakerConfig
  /** Where the config has prices: what may be spent, with what was spent before. */
  readonly costBudget: CostBudget | undefined
  /** Sends no key, for estimates. @default false */
  readonly isDry?: boolean
}

/** A model behind an OpenAI-compatible server. */
export function chatSpeaker(options: ChatSpeakerOptions): Speaker {
  const { config, costBudget } = options
  const servedModels = new Set<string>()
  let client: ChatClient | undefined
  const connect = () => {
    client ??= openClient(options)
    return client
  }
  // Budgets are shared by the speakers of a run, so what is this one's is counted here.
  return {
    identity: async () => {
      const { model, extraBody } = config
      // Not the address: a server of one's own has another one in every job. The manifest has it with what ran.
      return { kind: 'chat', model, ...(extraBody && { extraBody }) }
    },
    async *answer(requests, { sampling, seed, signal }) {
      const opened = connect()
      // A reader that leaves early pays for nothing more.
      const left = new AbortController()
      const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal
      try {
        yield* inPool(requests, opened.concurrency, async (request) => {
          const answer = await ask(opened, request, { config, sampling, seed, signal: either })
          if (answer.status === 'answered' && answer.model !== null) servedModels.add(answer.model)
          return answer
        })
      } finally {
        left.abort()
      }
    },
    spent: () => {
      if (client === undefined)
        return config.prices === undefined ? null : { usd: 0, possibleUsd: 0 }
      const { costUsd, possibleCostUsd } = client.counters()
      if (costUsd === null) return null
      const reserved = costBudget?.state().reservedUsd ?? 0
      return { usd: costUsd, possibleUsd: (possibleCostUsd ?? 0) + reserved }
    },
    answeredBy: () =>
      client === undefined
        ? null
        : {
            model: config.model,
            baseUrl: client.baseUrl,
            servedModels: [...servedModels].toSorted(),
          },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** A client as the config says. */
export function openClient({ config, costBudget, isDry = false }: ChatSpeakerOptions): ChatClient {
  const { model, provider, concurrency, maxAttempts, timeoutInMs } = config
  const { baseUrl, apiKeyVariable, requestsPerMinute, tokensPerMinute, prices } = config
  return createChatClient({
    model,
    provider,
    concurrency,
    maxAttempts,
    timeoutInMs,
    // Long answers of a slow server, tried again.
    deadlineInMs: Math.max(600_000, timeoutInMs * maxAttempts),
    ...(baseUrl !== undefined && { baseUrl }),
    ...(apiKeyVariable !== undefined && { apiKeyVariable }),
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
    ...(prices !== undefined && { prices: withoutUndefined(prices) }),
    ...(prices !== undefined && costBudget !== undefined && { costBudget }),
    ...(isDry && { apiKey: null }),
  })
}

function withoutUndefined({
  cachedInputPerMillion,
  ...prices
}: NonNullable<ChatSpeakerConfig['prices']>) {
  return { ...prices, ...(cachedInputPerMillion !== undefined && { cachedInputPerMillion }) }
}

/** What is sent for one answer. */
export function chatRequest(
  { messages, sample }: Pick<AnswerRequest, 'messages' | 'sample'>,
  config: ChatSpeakerConfig,
  { temperature, topP, maxTokens }: Sampling,
  seed: number,
): ChatRequest {
  const { lengthParameter, sendSeed, extraBody } = config
  return {
    messages,
    temperature,
    topP,
    ...(lengthParameter === 'max_tokens' ? { maxTokens } : { maxCompletionTokens: maxTokens }),
    ...(sendSeed && { seed: requestSeed(seed, messages, sample) }),
    ...(extraBody && { extraBody }),
  }
}

/** 31 bits: servers take signed 32-bit integers. */
function requestSeed(seed: number, messages: AnswerRequest['messages'], sample: number): number {
  return randomKey('chat-speaker', seed, JSON.stringify(messages), sample).low >>> 1
}

const blockedCodes = [
  'content_filter',
  'content_policy_violation',
  'responsible_ai_policy_violation',
]

async function ask(
  client: ChatClient,
  request: AnswerRequest,
  {
    config,
    sampling,
    seed,
    signal,
  }: {
    readonly config: ChatSpeakerConfig
    readonly sampling: Sampling
    readonly seed: number
    readonly signal: AbortSignal
  },
): Promise<SpokenAnswer | SpeechFailure> {
  const { key } = request
  const none = { key, text: '', model: null, promptTokens: null, completionTokens: null }
  try {
    const body = chatRequest(request, config, sampling, seed)
    const { text, refusal, finishReason, model, usage } = await client.complete(body, { signal })
    const isBlocked = refusal !== undefined || finishReason === 'content_filter'
    return {
      status: 'answered',
      key,
      text: refusal ?? text,
      end: isBlocked ? 'refused' : finishReason === 'length' ? 'length' : 'stop',
      model: model ?? null,
      promptTokens: usage?.promptTokens ?? null,
      completionTokens: usage?.completionTokens ?? null,
    }
  } catch (error) {
    if (signal.aborted || !CemError.isInstance(error)) throw error
    const { code, message, data } = error
    if (isUnreachableError(error) || isCostLimitError(error)) throw error
    const serverCode = String(data['serverCode'])
    if (code === 'chat-request-refused' && blockedCodes.includes(serverCode))
      return { status: 'answered', ...none, end: 'refused' }
    if (code === 'chat-request-refused' && serverCode === 'context_length_exceeded')
      return { status: 'answered', ...none, end: 'too-long' }
    if (passing.includes(code)) return { status: 'failed', key, code, message }
    // A refused parameter, a quota: every other request would meet it.
    throw error
  }
}

const passing = [
  'chat-attempts-exhausted',
  'chat-deadline-exceeded',
  'chat-malformed-response',
  'chat-unreachable',
]
