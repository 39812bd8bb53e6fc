import type { Usage } from '../chat-completion.ts'
import { badOption } from '../limiter/limiter-options.ts'

/** What a model costs, in USD. Given by the user: this package knows no prices. */
export interface Prices {
  /** Per million tokens of prompts. */
  readonly inputPerMillion: number
  /** Per million tokens of answers, reasoning included. */
  readonly outputPerMillion: number
  /** Per million tokens of prompts that the server read from its cache. @default inputPerMillion */
  readonly cachedInputPerMillion?: number
}

/** @throws CemError `bad-chat-option` */
export function checkPrices(prices: Prices | undefined): void {
  if (prices === undefined) return
  for (const name of ['inputPerMillion', 'outputPerMillion', 'cachedInputPerMillion'] as const) {
    const value = prices[name]
    if (value === undefined && name === 'cachedInputPerMillion') continue
    if (!(typeof value === 'number' && Number.isFinite(value) && value >= 0))
      throw badOption(`prices.${name}`, value, 'USD per million tokens, a number of at least 0')
  }
}

/** What counted tokens cost, in USD. */
export function usdOf(usage: Usage, prices: Prices): number {
  const { inputPerMillion, outputPerMillion, cachedInputPerMillion = inputPerMillion } = prices
  const cached = Math.min(usage.cachedPromptTokens ?? 0, usage.promptTokens)
  return (
    ((usage.promptTokens - cached) * inputPerMillion +
      cached * cachedInputPerMillion +
      usage.completionTokens * outputPerMillion) /
    1e6
  )
}

/** The most that so many tokens can cost, in USD: none is read from a cache that is cheaper. */
export function mostUsdOf(
  { promptTokens, completionTokens }: Usage,
  { inputPerMillion, outputPerMillion, cachedInputPerMillion = 0 }: Prices,
): number {
  const input = Math.max(inputPerMillion, cachedInputPerMillion)
  return (promptTokens * input + completionTokens * outputPerMillion) / 1e6
}
