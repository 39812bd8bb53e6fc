/** One HTTP request of a call, as it is kept in completions, errors and verdicts. */
export interface Attempt {
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly durationInMs: number
  /** The HTTP status, where the server gave one. */
  readonly status?: number
  /** What happened where it gave none: `timeout`, `ECONNRESET`, `ECONNREFUSED`, ... */
  readonly errorCode?: string
  /** The wait that the server asked for, in milliseconds. */
  readonly retryAfterInMs?: number
  /** Why it failed; absent where it did not. Keys and prompts are taken out; at most 300 characters. */
  readonly reason?: string
}
