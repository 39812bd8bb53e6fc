import { durationInMs } from './duration.ts'

/** What a server says is left of one of its limits. */
export interface LimitReading {
  readonly remaining: number
  /** Time until the whole limit is there again; undefined where the server does not say. */
  readonly resetInMs: number | undefined
  readonly limit: number | undefined
}

export interface RateLimitHeaders {
  readonly requests: LimitReading | undefined
  readonly tokens: LimitReading | undefined
}

/**
 * Reads `x-ratelimit-remaining-*`, `x-ratelimit-reset-*` and `x-ratelimit-limit-*` for `requests` and `tokens`, as OpenAI, Azure,
 * Groq and others send them. What is absent or no number is undefined.
 */
export function readRateLimitHeaders(headers: Headers): RateLimitHeaders {
  return { requests: read(headers, 'requests'), tokens: read(headers, 'tokens') }
}

function read(headers: Headers, what: 'requests' | 'tokens'): LimitReading | undefined {
  const remaining = count(headers.get(`x-ratelimit-remaining-${what}`))
  if (remaining === undefined) return undefined
  const reset = headers.get(`x-ratelimit-reset-${what}`)
  return {
    remaining,
    resetInMs: reset === null ? undefined : durationInMs(reset),
    limit: count(headers.get(`x-ratelimit-limit-${what}`)),
  }
}

function count(value: string | null): number | undefined {
  const text = value?.trim() ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
