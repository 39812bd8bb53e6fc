import { mostUsdOf, type Prices, usdOf } from './prices.ts'
import type { TokenEstimate } from './token-estimate.ts'

/** What requests would cost, before any is sent. Retries and calls that a cache spares are not in it. */
export interface CostEstimate {
  readonly nRequests: number
  /** Most likely: by the bytes of the requests, or by `countTokens`. */
  readonly promptTokens: number
  /** That the prompts cannot exceed. */
  readonly mostPromptTokens: number
  /** The longest answers together; null where a request sets no `maxTokens`. */
  readonly mostCompletionTokens: number | null
  /** Likely prompts with the longest answers, in USD; null where a price or a longest answer is unknown. */
  readonly usd: number | null
  /** What it cannot exceed if each request is sent once; null likewise. */
  readonly mostUsd: number | null
}

export function sumEstimates(
  estimates: Iterable<TokenEstimate>,
  prices: Prices | undefined,
): CostEstimate {
  let nRequests = 0
  let promptTokens = 0
  let mostPromptTokens = 0
  let mostCompletionTokens: number | null = 0
  for (const one of estimates) {
    nRequests++
    promptTokens += one.promptTokens
    mostPromptTokens += one.mostPromptTokens
    if (one.mostCompletionTokens === null) mostCompletionTokens = null
    else if (mostCompletionTokens !== null) mostCompletionTokens += one.mostCompletionTokens
  }
  const isKnown = prices !== undefined && mostCompletionTokens !== null
  const completionTokens = mostCompletionTokens ?? 0
  return {
    nRequests,
    promptTokens,
    mostPromptTokens,
    mostCompletionTokens,
    usd: isKnown ? usdOf({ promptTokens, completionTokens }, prices) : null,
    mostUsd: isKnown
      ? mostUsdOf({ promptTokens: mostPromptTokens, completionTokens }, prices)
      : null,
  }
}
