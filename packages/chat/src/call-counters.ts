import type { Usage } from './chat-completion.ts'

/** What a client has done since it was made. */
export interface CallCounters {
  /** Calls of `complete` and `scoreContinuations`. */
  readonly calls: number
  /** HTTP requests sent. */
  readonly attempts: number
  /** Calls that ended without an answer, aborted ones apart. */
  readonly failures: number
  readonly aborted: number
  /** Calls that wait for their turn now. */
  readonly waiting: number
  /** Calls under way now, those that wait to retry included. */
  readonly inFlight: number
  /** Tokens as the server counted them, of all attempts whose usage it reported, failed ones too. */
  readonly promptTokens: number
  readonly completionTokens: number
  /** Those of `promptTokens` that the server read from its cache, as far as it says. */
  readonly cachedPromptTokens: number
  /** Attempts without a reported usage that may be billed: timeouts, broken connections, aborts, answers without usage. */
  readonly attemptsOfUnknownUsage: number
  /** What the reported usage costs in USD; null without `prices`. */
  readonly costUsd: number | null
  /** The worst case of `attemptsOfUnknownUsage` in USD, beside `costUsd`; null without `prices`, or where an answer has no longest length. */
  readonly possibleCostUsd: number | null
}

export type MutableCounters = { -readonly [Name in keyof CallCounters]: CallCounters[Name] }

export function newCounters(hasPrices: boolean): MutableCounters {
  return {
    calls: 0,
    attempts: 0,
    failures: 0,
    aborted: 0,
    waiting: 0,
    inFlight: 0,
    promptTokens: 0,
    completionTokens: 0,
    cachedPromptTokens: 0,
    attemptsOfUnknownUsage: 0,
    costUsd: hasPrices ? 0 : null,
    possibleCostUsd: hasPrices ? 0 : null,
  }
}

export function countUsage(counters: MutableCounters, usage: Usage | undefined): void {
  counters.promptTokens += usage?.promptTokens ?? 0
  counters.completionTokens += usage?.completionTokens ?? 0
  counters.cachedPromptTokens += usage?.cachedPromptTokens ?? 0
}
