import type { Attempt, TokenLogprob, Usage } from '@cem/chat'

/** Why an answer has no score. Never mapped to a number. */
export type UnscoredReason =
  /** The judge says REFUSAL (the answer declines), or declines itself. */
  | 'refusal'
  /** The judge says CODE. */
  | 'code'
  /** The integers 0..100 hold too little probability. */
  | 'low-mass'
  /** The judge's provider withheld the judgement. */
  | 'content-filter'
  /** The judge spent its token on something that is not text, as reasoning models do. */
  | 'truncated'
  /** The server gave no log probabilities. */
  | 'no-logprobs'
  /** The server's answer is not as the protocol has it. */
  | 'malformed-response'
  /** The server could not be reached or gave errors until attempts or time ran out. */
  | 'http'

/** What every verdict carries: plain data that survives a JSON file. */
export interface VerdictRecord {
  /** SHA-256 of rubric name, prompt, model, parameters and `minMass`: equal keys are the same judgement. */
  readonly key: string
  /** The metric: the rubric's name in the protocol. */
  readonly rubric: string
  readonly protocol: string
  readonly protocolHash: string
  /** SHA-256 of the message that the judge was sent. */
  readonly promptHash: string
  /** As asked for. */
  readonly judgeModel: string
  /** As the server says, usually a dated snapshot. */
  readonly servedModel?: string | undefined
  readonly systemFingerprint?: string | undefined
  readonly requestId?: string | undefined
  readonly usage?: Usage | undefined
  /** All HTTP requests of the call, oldest first. */
  readonly attempts: readonly Attempt[]
  /** ISO 8601, UTC. */
  readonly judgedAt: string
  /** The likeliest tokens as the server sent them. */
  readonly topLogprobs?: readonly TokenLogprob[] | undefined
  /** Whether an earlier call with the same key gave this verdict. */
  readonly fromCache: boolean
}

export interface ScoredVerdict extends VerdictRecord {
  readonly status: 'scored'
  /** In [0, 100]. */
  readonly score: number
  /** Probability of the integers 0..100 together. */
  readonly mass: number
}

export interface UnscoredVerdict extends VerdictRecord {
  readonly status: 'unscored'
  readonly reason: UnscoredReason
  /** In words. */
  readonly detail: string
  /** Where log probabilities came. */
  readonly mass?: number | undefined
}

export type Verdict = ScoredVerdict | UnscoredVerdict

/** What asking again may change. */
const passing: ReadonlySet<UnscoredReason> = new Set(['http', 'malformed-response', 'no-logprobs'])

/** Whether asking again would bring the same: only such verdicts are taken from a cache. */
export function isFinal(verdict: Verdict): boolean {
  return verdict.status === 'scored' || !passing.has(verdict.reason)
}
