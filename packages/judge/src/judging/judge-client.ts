import type { Attempt, ChatClient, ChatMessage, Usage } from '@cem/chat'

/** As much of a chat client as a judge needs. */
export interface JudgeClient
  extends Pick<ChatClient, 'model' | 'baseUrl' | 'concurrency' | 'complete'> {
  /** Where the server scores whole replies; `logprob-0-100-exact` needs it. */
  scoreContinuations?(
    request: ContinuationRequest,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<ContinuationScores>
}

export interface ContinuationRequest {
  readonly messages: readonly ChatMessage[]
  readonly continuations: readonly string[]
}

/** In the order of the continuations. */
export interface ContinuationScores {
  /** Natural logarithm of the probability of each whole reply: its tokens and the end of the turn behind them. */
  readonly logprobs: readonly number[]
  readonly nTokens: readonly number[]
  readonly model?: string | undefined
  readonly systemFingerprint?: string | undefined
  readonly requestId?: string | undefined
  readonly usage?: Usage | undefined
  readonly attempts?: readonly Attempt[] | undefined
}
