import type { RandomSource } from '@cem/core'

export interface BackoffOptions {
  /** The longest wait after the first failed attempt, in milliseconds; it doubles with each. */
  readonly baseDelayInMs: number
  /** The longest wait after any attempt, in milliseconds. */
  readonly maxDelayInMs: number
}

/**
 * The wait after failed attempt number `attempt` (from 1), in milliseconds: uniform in (0, min(max, base * 2^(attempt - 1))),
 * "full jitter" (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Where the server asked to wait,
 * that time plus a jitter of up to `baseDelayInMs`, so that those told the same do not all return at once, and not less than the
 * wait would be otherwise: a server that says `1 s` again and again is not asked every second.
 */
export function backoffDelay(
  attempt: number,
  retryAfterInMs: number | undefined,
  { baseDelayInMs, maxDelayInMs }: BackoffOptions,
  random: Pick<RandomSource, 'uniform'>,
): number {
  const jitter = random.uniform()
  const own = jitter * Math.min(maxDelayInMs, baseDelayInMs * 2 ** (attempt - 1))
  if (retryAfterInMs === undefined || retryAfterInMs <= 0) return own
  return Math.max(own, retryAfterInMs + jitter * baseDelayInMs)
}
