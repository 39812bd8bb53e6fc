import type { ChatEvent } from './chat-events.ts'
import type { ConnectionOptions } from './connection.ts'
import type { CostBudget } from './cost/cost-budget.ts'
import { checkPrices, type Prices } from './cost/prices.ts'
import { badOption } from './limiter/limiter-options.ts'
import type { RateLimiter, RateLimiterOptions } from './limiter/rate-limiter.ts'

/** What a client shares with others that use the same key, or makes for itself. */
export interface AllotmentOptions
  extends Pick<
    RateLimiterOptions,
    'initialConcurrency' | 'adaptive' | 'requestsPerMinute' | 'tokensPerMinute'
  > {
  /** A limiter that several clients share, in place of one by the options `adaptive` to `tokensPerMinute`. @default one of its own */
  readonly limiter?: RateLimiter
  /** What the model costs. Without it no cost is known, and `maxCostUsd` cannot be kept. @default unknown */
  readonly prices?: Prices
  /** In USD: no call is begun whose worst case could pass it; such calls end with `cost-limit`. @default no limit */
  readonly maxCostUsd?: number
  /** A sum of money that several clients share, in place of `maxCostUsd`. */
  readonly costBudget?: CostBudget
  /** Tokens of a text as the model counts them, for estimates. @default by bytes, and the rate seen in answers */
  readonly countTokens?: (text: string) => number
}

export interface ChatClientOptions extends ConnectionOptions, AllotmentOptions {
  /**
   * Calls under way at once, at least 1; one that waits to retry counts. HTTP requests at once are at most as many, and fewer where
   * the server is overloaded.
   * @default 16, or the limiter's
   */
  readonly concurrency?: number
  /** Time for a call with all its attempts and the waits between them, from its first attempt, in milliseconds. @default 600_000 */
  readonly deadlineInMs?: number
  /** Called as things happen; what it throws is not caught. */
  readonly onEvent?: (event: ChatEvent) => void
}

const limits = {
  concurrency: { least: 1, isInteger: true },
  timeoutInMs: { least: 1, isInteger: false },
  maxAttempts: { least: 1, isInteger: true },
  deadlineInMs: { least: 1, isInteger: false },
  baseDelayInMs: { least: 0, isInteger: false },
  maxDelayInMs: { least: 0, isInteger: false },
} as const

/** Timers of the runtime hold no more; beyond it they fire at once. */
const longestTimerInMs = 2 ** 31 - 1

/** @throws CemError `bad-chat-option` */
export function checkModel(model: string): void {
  if (typeof model !== 'string' || model.trim() === '')
    throw badOption('model', model, 'the name of a model')
}

/** @throws CemError `bad-chat-option` */
export function checkBounds(bounds: Readonly<Partial<Record<keyof typeof limits, number>>>): void {
  for (const [name, { least, isInteger }] of Object.entries(limits)) {
    const value = bounds[name as keyof typeof limits]
    if (value === undefined && !(name in bounds)) continue
    const isGood = value !== undefined && value >= least && value <= longestTimerInMs
    if (!isGood || (isInteger && !Number.isInteger(value)))
      throw badOption(name, value, `${isInteger ? 'an integer' : 'a number'} of at least ${least}`)
  }
}

const ownLimits = [
  'initialConcurrency',
  'adaptive',
  'requestsPerMinute',
  'tokensPerMinute',
] as const

/** @throws CemError `bad-chat-option` for what contradicts */
export function checkAllotment(options: AllotmentOptions): void {
  checkPrices(options.prices)
  const twice = options.limiter && ownLimits.find((name) => options[name] !== undefined)
  if (twice) throw badOption(twice, options[twice], 'it to the limiter that you pass, not here')
  if (options.costBudget && options.maxCostUsd !== undefined)
    throw badOption(
      'maxCostUsd',
      options.maxCostUsd,
      'it to the costBudget that you pass, not here',
    )
  if ((options.costBudget || options.maxCostUsd !== undefined) && options.prices === undefined)
    throw badOption(
      'prices',
      undefined,
      '{ inputPerMillion, outputPerMillion } in USD: a cost limit cannot be kept without prices',
    )
}
