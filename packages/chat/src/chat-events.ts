import type { Attempt } from './attempt.ts'
import type { CallCounters } from './call-counters.ts'
import type { LimiterEvent } from './limiter/rate-limiter.ts'

/** What happens in a client, with the running totals. Events of a shared limiter come from the limiter, not from here. */
export type ChatEvent =
  | {
      /** One HTTP request has ended, with an answer or without. */
      readonly type: 'attempt-end'
      readonly attempt: Attempt
      readonly counters: CallCounters
    }
  | {
      readonly type: 'call-end'
      readonly outcome: 'answered' | 'failed' | 'aborted'
      readonly counters: CallCounters
    }
  | LimiterEvent
