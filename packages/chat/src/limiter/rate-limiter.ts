import { CemError } from '@cem/core'
import { type Clock, systemClock } from '../clock.ts'
import { ConcurrencyWindow } from './concurrency-window.ts'
import { checkLimiterOptions } from './limiter-options.ts'
import { readRateLimitHeaders } from './rate-limit-headers.ts'
import { longestPauseInMs, ServerHeadroom } from './server-headroom.ts'
import { type BudgetEntry, SlidingBudget } from './sliding-budget.ts'

export interface RateLimiterOptions {
  /** The most HTTP requests under way at once, at least 1. @default 16 */
  readonly concurrency?: number
  /** How many may be under way at the start. @default 16, or `concurrency` where that is less */
  readonly initialConcurrency?: number
  /** Whether the number under way adapts to overload; else it is always `concurrency`. @default true */
  readonly adaptive?: boolean
  /** HTTP requests that may begin in any minute, at least 1. @default no limit of ours */
  readonly requestsPerMinute?: number
  /** Tokens, estimated before and corrected after, that may begin in any minute, at least 1. @default no limit of ours */
  readonly tokensPerMinute?: number
  /** Called when the number that may be under way changes, and when the server makes everything wait. */
  readonly onEvent?: (event: LimiterEvent) => void
  /** @default the system's */
  readonly clock?: Clock
}

export type LimiterEvent =
  | {
      readonly type: 'concurrency-change'
      /** Requests that may be under way from now on. */
      readonly concurrency: number
      readonly reason: 'overload' | 'recovery'
    }
  | { readonly type: 'pause-start'; readonly durationInMs: number }

export interface LimiterState {
  /** HTTP requests that may be under way now. */
  readonly concurrency: number
  readonly inFlight: number
  readonly waiting: number
  /** How long the server has asked everybody to wait; 0 for not at all. */
  readonly pausedForInMs: number
  /** Requests that began within the last minute; null without `requestsPerMinute`. */
  readonly requestsInMinute: number | null
  /** Their tokens; null without `tokensPerMinute`. */
  readonly tokensInMinute: number | null
  /** Answers that meant too much at once: 429, 408, 503, 529 and requests that timed out. */
  readonly overloads: number
}

export interface AdmitOptions {
  /** What the request is expected to cost in tokens, its answer included. */
  readonly tokens: number
  /** A request that was begun before goes ahead of others. @default false */
  readonly isRetry?: boolean
  readonly signal?: AbortSignal | undefined
}

/** How a request went. */
export interface RequestOutcome {
  /** The server's headers, where it answered. */
  readonly headers?: Headers | undefined
  readonly isOverload?: boolean
  /** The wait that the server asked for. It holds for all requests where `isOverload`. */
  readonly retryAfterInMs?: number | undefined
  /** Tokens that it really cost, where the server said so. */
  readonly tokens?: number | undefined
}

/** The right to send one request. */
export interface Admission {
  /** Must be called once when the request has ended, however it did. */
  end(outcome: RequestOutcome): void
}

/** What decides when a request may be sent. Clients that use one key share one limiter. */
export interface RateLimiter {
  /** The most HTTP requests under way at once. */
  readonly concurrency: number
  /**
   * Resolves when a request may be sent.
   *
   * @throws the signal's reason when it aborts
   * @throws CemError `request-over-budget` for a request of more tokens than `tokensPerMinute`
   */
  admit(options: AdmitOptions): Promise<Admission>
  /** How many requests may be under way, and what holds others back. */
  state(): LimiterState
}

interface Waiter {
  readonly tokens: number
  readonly admit: (admission: Admission) => void
}

/** @throws CemError `bad-chat-option` */
export function createRateLimiter(options: RateLimiterOptions = {}): RateLimiter {
  const { concurrency = 16, adaptive = true, clock = systemClock, onEvent } = options
  const { requestsPerMinute, tokensPerMinute } = options
  const initial = options.initialConcurrency ?? Math.min(16, concurrency)
  checkLimiterOptions({ ...options, concurrency, initialConcurrency: initial })
  const time = patientTime(clock)
  const window = new ConcurrencyWindow({ most: concurrency, initial, isAdaptive: adaptive })
  const requestBudget =
    requestsPerMinute === undefined ? null : new SlidingBudget(requestsPerMinute)
  const tokenBudget = tokensPerMinute === undefined ? null : new SlidingBudget(tokensPerMinute)
  const requestRoom = new ServerHeadroom()
  const tokenRoom = new ServerHeadroom()
  const retries: Waiter[] = []
  const others: Waiter[] = []
  let inFlight = 0
  let nBegun = 0
  let tokensBegun = 0
  let overloads = 0
  let pausedUntil = 0
  let alarm: AbortController | undefined

  const delayFor = (tokens: number, now: number) =>
    Math.max(
      pausedUntil - now,
      requestBudget?.delayInMs(now, 1) ?? 0,
      tokenBudget?.delayInMs(now, tokens) ?? 0,
      requestRoom.delayInMs(now, 1),
      tokenRoom.delayInMs(now, tokens),
    )

  /** Lets in what may begin now, and comes back when the next may. */
  const pump = () => {
    alarm?.abort()
    alarm = undefined
    for (;;) {
      const queue = retries.length > 0 ? retries : others
      const [next] = queue
      if (next === undefined || inFlight >= window.size) return
      const delay = delayFor(next.tokens, time.now())
      if (delay > 0) {
        alarm = new AbortController()
        time.wake(delay, alarm.signal, pump)
        return
      }
      queue.shift()
      next.admit(begin(next.tokens))
    }
  }

  const begin = (tokens: number): Admission => {
    const now = time.now()
    const request = nBegun
    inFlight++
    nBegun++
    tokensBegun += tokens
    const nBegunThen = nBegun
    const tokensBegunThen = tokensBegun
    requestBudget?.take(now, 1)
    requestRoom.take(1)
    tokenRoom.take(tokens)
    const entry = tokenBudget?.take(now, tokens)
    let hasEnded = false
    return {
      end: (outcome) => {
        if (hasEnded) return
        hasEnded = true
        const events = adapt(request, outcome)
        inFlight--
        correct(entry, outcome.tokens)
        if (outcome.headers)
          heed(outcome.headers, nBegun - nBegunThen, tokensBegun - tokensBegunThen)
        pump()
        // Last, so that a listener that throws leaves nothing half done.
        for (const event of events) onEvent?.(event)
      },
    }
  }

  const adapt = (
    request: number,
    { isOverload = false, retryAfterInMs = 0, headers }: RequestOutcome,
  ): LimiterEvent[] => {
    const before = window.size
    const events: LimiterEvent[] = []
    if (isOverload) {
      overloads++
      window.noteOverload(request, nBegun)
      events.push(...pause(Math.min(retryAfterInMs, longestPauseInMs)))
    } else if (headers) window.noteAnswer(inFlight >= window.size)
    const reason = isOverload ? 'overload' : 'recovery'
    if (window.size !== before)
      events.push({ type: 'concurrency-change', concurrency: window.size, reason })
    return events
  }

  const pause = (durationInMs: number): LimiterEvent[] => {
    const now = time.now()
    const isNew = pausedUntil <= now && durationInMs > 0
    pausedUntil = Math.max(pausedUntil, now + durationInMs)
    return isNew ? [{ type: 'pause-start', durationInMs }] : []
  }

  const correct = (entry: BudgetEntry | undefined, tokens: number | undefined) => {
    if (entry !== undefined && tokens !== undefined) tokenBudget?.correct(entry, tokens)
  }

  const heed = (headers: Headers, requestsSince: number, tokensSince: number) => {
    const { requests, tokens } = readRateLimitHeaders(headers)
    if (requests) requestRoom.note(requests, time.now(), requestsSince)
    if (tokens) tokenRoom.note(tokens, time.now(), tokensSince)
  }

  return {
    concurrency,
    admit: ({ tokens, isRetry = false, signal }) => {
      if (tokens > (tokensPerMinute ?? Number.POSITIVE_INFINITY))
        return Promise.reject(overBudget(tokens, tokensPerMinute ?? 0))
      return new Promise<Admission>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error)
        const queue = isRetry ? retries : others
        const onAbort = () => {
          queue.splice(queue.indexOf(waiter), 1)
          reject(signal?.reason as Error)
          pump()
        }
        const waiter: Waiter = {
          tokens,
          admit: (admission) => {
            signal?.removeEventListener('abort', onAbort)
            resolve(admission)
          },
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        queue.push(waiter)
        pump()
      })
    },
    state: () => ({
      concurrency: window.size,
      inFlight,
      waiting: retries.length + others.length,
      pausedForInMs: Math.max(0, pausedUntil - time.now()),
      requestsInMinute: requestBudget?.used(time.now()) ?? null,
      tokensInMinute: tokenBudget?.used(time.now()) ?? null,
      overloads,
    }),
  }
}

/** A clock whose sleeps are over when they say so, also where its `now` has not come so far: a test's clock may hurry. */
function patientTime(clock: Clock) {
  let ahead = 0
  const now = () => clock.now() + ahead
  return {
    now,
    wake: (delayInMs: number, signal: AbortSignal, then: () => void) => {
      // Timers may be a millisecond early.
      const target = now() + Math.ceil(delayInMs) + 1
      clock.sleep(target - now(), signal).then(
        () => {
          if (signal.aborted) return
          ahead += Math.max(0, target - 1 - now())
          then()
        },
        () => undefined,
      )
    },
  }
}

function overBudget(tokens: number, tokensPerMinute: number): CemError {
  return new CemError({
    code: 'request-over-budget',
    message: `A request of about ${tokens} tokens never fits into tokensPerMinute ${tokensPerMinute}. Raise tokensPerMinute, or shorten the prompt or its longest answer.`,
    data: { tokens, tokensPerMinute },
  })
}
