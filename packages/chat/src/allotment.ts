import { countUsage, type MutableCounters } from './call-counters.ts'
import type { CostBudget } from './cost/cost-budget.ts'
import { mostUsdOf, type Prices, usdOf } from './cost/prices.ts'
import type { TokenEstimate, TokenRate } from './cost/token-estimate.ts'
import type { RateLimiter } from './limiter/rate-limiter.ts'
import type { AttemptResult, AttemptTurn } from './send-with-retries.ts'
import { isOverload, mayBeBilled } from './transport-failure.ts'

export interface Allotment {
  readonly limiter: RateLimiter
  readonly prices: Prices | undefined
  readonly costBudget: CostBudget | undefined
  readonly counters: MutableCounters
  readonly rate: TokenRate
}

/** What an answer without a longest length is taken for until it is there. */
const guessedCompletionTokens = 256

/**
 * Gives attempts of a call their turn: money first, then a place, so that nobody holds a place while it waits for money. When an
 * attempt has ended, what it really cost takes the place of the estimate.
 */
export function turnsOf(
  estimate: TokenEstimate,
  { limiter, prices, costBudget, counters, rate }: Allotment,
  signal: AbortSignal | undefined,
): (isRetry: boolean) => Promise<AttemptTurn> {
  const { promptTokens, mostPromptTokens, mostCompletionTokens } = estimate
  const worst = { promptTokens: mostPromptTokens, completionTokens: mostCompletionTokens ?? 0 }
  const isBounded = prices !== undefined && mostCompletionTokens !== null
  const worstUsd = isBounded ? mostUsdOf(worst, prices) : null

  const charge = (result: AttemptResult | undefined) => {
    const { usage, failure } = result ?? {}
    countUsage(counters, usage)
    if (!failure) rate.note(estimate, usage)
    const spentUsd = usage && prices ? usdOf(usage, prices) : 0
    if (counters.costUsd !== null) counters.costUsd += spentUsd
    const isUnknown = !usage && (!failure || mayBeBilled(failure))
    if (!isUnknown) return { spentUsd, possibleUsd: 0 }
    counters.attemptsOfUnknownUsage++
    if (worstUsd === null) counters.possibleCostUsd = null
    else if (counters.possibleCostUsd !== null) counters.possibleCostUsd += worstUsd
    return { spentUsd, possibleUsd: worstUsd ?? 0 }
  }

  return async (isRetry) => {
    const reservation = await costBudget?.reserve(worstUsd ?? 0, signal)
    try {
      const tokens = promptTokens + (mostCompletionTokens ?? guessedCompletionTokens)
      const admission = await limiter.admit({ tokens, isRetry, signal })
      return {
        end: (result) => {
          const { headers, failure, usage, retryAfterInMs } = result ?? {}
          const used = usage && usage.promptTokens + usage.completionTokens
          const isTooMuch = failure !== undefined && isOverload(failure)
          const cost = charge(result)
          reservation?.settle(cost)
          admission.end({ headers, isOverload: isTooMuch, retryAfterInMs, tokens: used })
        },
      }
    } catch (error) {
      reservation?.settle({ spentUsd: 0, possibleUsd: 0 })
      throw error
    }
  }
}
