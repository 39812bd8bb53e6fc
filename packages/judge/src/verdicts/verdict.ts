import type { Attempt, TokenLogprob, Usage } from '@cem/chat'
import type { AnswerTruncation } from '../judging/bound-answer.ts'
import type { JudgeProtocol } from '../protocols/protocol.ts'

/** Why an answer has no score. Never mapped to a number. */
export type UnscoredReason =
  /** The judge says REFUSAL (the answer declines), or declines itself. */
  | 'refusal'
  /** The judge says CODE. */
  | 'code'
  /** The integers 0..100, or the labels, hold too little probability. */
  | 'low-mass'
  /** The judge's provider withheld the judgement. */
  | 'content-filter'
  /** The judge's tokens ran out before it said anything, or before its JSON was whole. */
  | 'truncated'
  /** The server gave no log probabilities. */
  | 'no-logprobs'
  /** The server's answer is not as the protocol has it. */
  | 'malformed-response'
  /** The server could not be reached or gave errors until attempts or time ran out. */
  | 'http'

/** What every verdict carries: plain data that survives a JSON file. */
export interface VerdictRecord {
  /** SHA-256 of protocol name, rubric name, prompt, model, parameters and `repeat`: equal keys are the same call. */
  readonly key: string
  /** The metric: the rubric's name in the protocol. */
  readonly rubric: string
  readonly protocol: string
  readonly protocolHash: string
  /** SHA-256 of the message that the judge was sent. */
  readonly promptHash: string
  /** What was asked for besides the message: the protocol's. */
  readonly parameters: JudgeProtocol['parameters']
  /** The probability that was needed for a score; null where the protocol has none. */
  readonly minMass: number | null
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
  /** The log probabilities of whole replies (`logprob-0-100-exact`), as many as the protocol asks for. */
  readonly continuationLogprobs?: readonly TokenLogprob[] | undefined
  /** The judge's reply, where it was to be JSON. */
  readonly text?: string | undefined
  /** Which session of a judge made the call: `createJudge` makes a new id unless told one. */
  readonly session: string
  /** What sets this call apart from the first one of the same judgement (`JudgeItem.repeat`). */
  readonly repeat?: string | undefined
  /** Present where the answer was longer than the bound, and only its beginning was judged. */
  readonly answerTruncation?: AnswerTruncation | undefined
  /** Whether an earlier call with the same key gave this verdict. */
  readonly fromCache: boolean
}

export interface ScoredVerdict extends VerdictRecord {
  readonly status: 'scored'
  /** In [0, 100]; of labels, on the scale of their values. */
  readonly score: number
  /** Probability of the integers 0..100, or of the labels, together. Null where the judge gave text alone. */
  readonly mass: number | null
  /**
   * Of the probabilities of the integers (or labels) divided by `mass`: -sum(q ln q), in nats. 0: the judge has no doubt;
   * ln 101 = 4.615: it says nothing. Null where the judge gave text alone.
   */
  readonly entropy: number | null
  /** The likeliest label, or the one that was said. Present for `labels`. */
  readonly label?: string | undefined
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

/** Reasons that lie with the server: asking again may change them. */
export const passingReasons: ReadonlySet<string> = new Set<UnscoredReason>([
  'http',
  'malformed-response',
  'no-logprobs',
])

/** Whether asking again would bring the same: only such verdicts are taken from a cache. */
export function isFinal(verdict: Verdict): boolean {
  return verdict.status === 'scored' || !passingReasons.has(verdict.reason)
}
