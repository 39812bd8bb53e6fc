import type { Usage } from './chat-completion.ts'

/** What a client has done since it was made. */
export interface CallCounters {
  /** Calls of `complete`. */
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
  /** Tokens as the server counted them, of answered calls. */
  readonly promptTokens: number
  readonly completionTokens: number
}

export type MutableCounters = { -readonly [Name in keyof CallCounters]: number }

export function newCounters(): MutableCounters {
  return {
    calls: 0,
    attempts: 0,
    failures: 0,
    aborted: 0,
    waiting: 0,
    inFlight: 0,
    promptTokens: 0,
    completionTokens: 0,
  }
}

export function countUsage(counters: MutableCounters, usage: Usage | undefined): void {
  counters.promptTokens += usage?.promptTokens ?? 0
  counters.completionTokens += usage?.completionTokens ?? 0
}
