import { randomUUID } from 'node:crypto'
import { CemError } from '@cem/core'
import { logprobProtocol } from '../protocols/logprob-protocol.ts'
import type { JudgeProtocol } from '../protocols/protocol.ts'
import { rescore } from '../verdicts/rescore.ts'
import { isFinal, type Verdict } from '../verdicts/verdict.ts'
import { createMemoryCache, type VerdictCache } from '../verdicts/verdict-cache.ts'
import { askJudge, failedCall } from './ask-judge.ts'
import {
  type BatchedJudgement,
  type BatchedOutcome,
  planBatch,
  type TakenBatch,
  takeBatch,
} from './batch.ts'
import { utf8Bytes } from './bound-answer.ts'
import { type JudgeAllOptions, type JudgingEvent, judgeAll } from './judge-all.ts'
import type { JudgeClient } from './judge-client.ts'
import type { JudgeItem } from './judge-item.ts'
import { type Prepared, prepare } from './prepare.ts'
import { createSingleFlight } from './single-flight.ts'
import { createBreaker } from './unreachable.ts'

export interface JudgeOptions {
  readonly client: JudgeClient
  /** For items that name none. @default the reference protocol with our own rubrics */
  readonly protocol?: JudgeProtocol
  /** @default one in memory */
  readonly cache?: VerdictCache
  /**
   * Called once for each verdict that a call gave, scored or not, never for one from the cache; awaited before anybody gets the
   * verdict, so that a ledger holds it first. If it throws, the judgement rejects with that.
   */
  readonly onVerdict?: (verdict: Verdict) => void | Promise<void>
  /** Stop when this many calls found the judge unreachable and none ever an answer. @default 5 */
  readonly failuresToStop?: number
  /** Tokens of an answer that the judge sees, at least 1; of a longer one it sees the beginning. @default 16_384 */
  readonly maxAnswerTokens?: number
  /** Tokens of a text in the judge's vocabulary, or an upper bound. @default its bytes in UTF-8, an upper bound */
  readonly countTokens?: (text: string) => number
  /** Names the stretch of time in which this judge is asked; verdicts carry it. @default a random UUID */
  readonly session?: string
}

/** A verdict for each metric of the protocol. */
export type Verdicts = Readonly<Record<string, Verdict>>

export interface Judge {
  /** @see JudgeOptions.session */
  readonly session: string
  /**
   * Judges one answer on every metric of its protocol. A server that fails gives unscored verdicts, not an error.
   *
   * @throws the signal's reason when it aborts
   * @throws CemError `judge-unreachable` when the first calls all failed for want of a judge;
   *   `judge-cannot-score-continuations`; what `onVerdict` throws
   */
  judge(item: JudgeItem, options?: { readonly signal?: AbortSignal | undefined }): Promise<Verdicts>
  /** Judges many answers; events come as answers are done, not in the order of the items. @see judgeAll */
  judgeAll<Item extends JudgeItem>(
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: JudgeAllOptions,
  ): AsyncGenerator<JudgingEvent<Item>, void, undefined>
  /**
   * The requests for a provider's batch: one for each judgement of the items that has no final verdict yet.
   *
   * @throws CemError `bad-judge-option` for an item of `logprob-0-100-exact`
   */
  planBatch(items: readonly JudgeItem[]): Promise<BatchedJudgement[]>
  /**
   * Takes a batch's outcomes over: verdicts go to `onVerdict` and into the cache, which has to hold them all. Judge the items
   * then as ever: what the batch left out is asked for one by one.
   *
   * @throws what `onVerdict` throws
   */
  takeBatch(
    items: readonly JudgeItem[],
    outcomes: Iterable<BatchedOutcome> | AsyncIterable<BatchedOutcome>,
  ): Promise<TakenBatch>
}

interface Judgement {
  readonly verdict: Verdict
  readonly isCached: boolean
}

/**
 * A judge that asks each thing once: equal (protocol name, rubric, question, answer, model, parameters) share one call and one
 * verdict. Another mass cut-off is applied to what was said before, without a call.
 *
 * @throws CemError `bad-judge-option`
 */
export function createJudge({
  client,
  protocol: defaultProtocol = logprobProtocol,
  cache = createMemoryCache(),
  onVerdict,
  failuresToStop = 5,
  maxAnswerTokens = 16_384,
  countTokens = utf8Bytes,
  session = randomUUID(),
}: JudgeOptions): Judge {
  if (!Number.isInteger(maxAnswerTokens) || maxAnswerTokens < 1) throw badBound(maxAnswerTokens)
  const flights = createSingleFlight<Judgement>()
  const breaker = createBreaker(failuresToStop)

  const ask = async (prompt: string, protocol: JudgeProtocol, signal: AbortSignal) => {
    try {
      const outcome = await askJudge(client, prompt, protocol, signal)
      breaker.note(undefined)
      return outcome
    } catch (error) {
      signal.throwIfAborted()
      const stop = breaker.note(error)
      if (stop) {
        flights.abortAll(stop)
        throw stop
      }
      return failedCall(error)
    }
  }

  const prepareItem = (item: JudgeItem) =>
    prepare(item, {
      model: client.model,
      session,
      protocol: defaultProtocol,
      maxAnswerTokens,
      countTokens,
    })

  const judgeOne = async (
    { protocol, prompt, record }: Prepared,
    signal: AbortSignal | undefined,
  ): Promise<Verdict> => {
    const { key, protocolHash, minMass, repeat, answerTruncation } = record
    const work = async (workSignal: AbortSignal): Promise<Judgement> => {
      const cached = await cache.get(key)
      if (cached && isFinal(cached)) return { verdict: cached, isCached: true }
      if (breaker.tripped) throw breaker.tripped
      const judgedAt = new Date().toISOString()
      const verdict: Verdict = { ...record, judgedAt, ...(await ask(prompt, protocol, workSignal)) }
      await onVerdict?.(verdict)
      await cache.set(key, verdict)
      return { verdict, isCached: false }
    }
    const { value, isShared } = await flights.run(key, work, signal)
    // The same judgement may have been made under a protocol whose other rubrics or cut-off differ.
    const isSameCut = minMass === null || minMass === value.verdict.minMass
    const verdict = isSameCut ? value.verdict : rescore(value.verdict, { minMass })
    const fromCache = value.isCached || isShared
    return { ...verdict, protocolHash, repeat, answerTruncation, fromCache }
  }

  const judge: Judge['judge'] = async (item, { signal } = {}) => {
    signal?.throwIfAborted()
    const verdicts = prepareItem(item).map(
      async (one) => [one.record.rubric, await judgeOne(one, signal)] as const,
    )
    return Object.fromEntries(await Promise.all(verdicts))
  }

  return {
    session,
    judge,
    judgeAll: (items, options) =>
      judgeAll(judge, items, { concurrency: client.concurrency, ...options }),
    planBatch: async (items) => planBatch(items.flatMap(prepareItem), cache),
    takeBatch: async (items, outcomes) =>
      takeBatch(items.flatMap(prepareItem), outcomes, { cache, onVerdict }),
  }
}

function badBound(maxAnswerTokens: number): CemError {
  return new CemError({
    code: 'bad-judge-option',
    message: `maxAnswerTokens is ${maxAnswerTokens}: give an integer of at least 1.`,
    data: { maxAnswerTokens },
  })
}
