import type { ChatClient, ChatErrorData } from '@cem/chat'
import { CemError } from '@cem/core'
import { hashOf, sha256 } from '../hash.ts'
import { type JudgeAllOptions, type JudgingEvent, judgeAll } from './judge-all.ts'
import { type JudgeProtocol, logprobProtocol } from '../protocols/protocol.ts'
import { readVerdict } from '../verdicts/read-verdict.ts'
import { fillRubric, type JudgedPair, type Rubric } from '../protocols/rubric.ts'
import { createSingleFlight } from './single-flight.ts'
import { createBreaker } from './unreachable.ts'
import { isFinal, type UnscoredReason, type Verdict } from '../verdicts/verdict.ts'
import { createMemoryCache, type VerdictCache } from '../verdicts/verdict-cache.ts'

export interface JudgeOptions {
  readonly client: ChatClient
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
}

export interface JudgeItem extends JudgedPair {
  /** @default the judge's */
  readonly protocol?: JudgeProtocol
}

/** A verdict for each metric of the protocol. */
export type Verdicts = Readonly<Record<string, Verdict>>

export interface Judge {
  /**
   * Judges one answer on every metric of its protocol. A server that fails gives unscored verdicts, not an error.
   *
   * @throws the signal's reason when it aborts
   * @throws CemError `judge-unreachable` when the first calls all failed for want of a judge; what `onVerdict` throws
   */
  judge(item: JudgeItem, options?: { readonly signal?: AbortSignal | undefined }): Promise<Verdicts>
  /** Judges many answers; events come as answers are done, not in the order of the items. @see judgeAll */
  judgeAll<Item extends JudgeItem>(
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: JudgeAllOptions,
  ): AsyncGenerator<JudgingEvent<Item>, void, undefined>
}

interface Judgement {
  readonly verdict: Verdict
  readonly isCached: boolean
}

/** A judge that asks each thing once: equal (rubric, question, answer, model, parameters) share one call and one verdict. */
export function createJudge({
  client,
  protocol: defaultProtocol = logprobProtocol,
  cache = createMemoryCache(),
  onVerdict,
  failuresToStop = 5,
}: JudgeOptions): Judge {
  const flights = createSingleFlight<Judgement>()
  const breaker = createBreaker(failuresToStop)

  const ask = async (prompt: string, protocol: JudgeProtocol, signal: AbortSignal) => {
    const messages = [{ role: 'user', content: prompt }] as const
    try {
      const completion = await client.complete({ messages, ...protocol.parameters }, { signal })
      breaker.note(undefined)
      const { model, systemFingerprint, requestId, usage, attempts, topLogprobs } = completion
      const record = {
        servedModel: model,
        systemFingerprint,
        requestId,
        usage,
        attempts,
        topLogprobs,
      }
      return { ...record, ...readVerdict(completion, protocol) }
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

  const judgeOne = async (
    metric: string,
    rubric: Rubric,
    item: JudgeItem,
    signal?: AbortSignal,
  ) => {
    const protocol = item.protocol ?? defaultProtocol
    const prompt = fillRubric(rubric, item)
    const promptHash = sha256(prompt)
    const { parameters, minMass } = protocol
    const key = hashOf([metric, promptHash, client.model, parameters, minMass])
    const work = async (workSignal: AbortSignal): Promise<Judgement> => {
      const cached = await cache.get(key)
      if (cached && isFinal(cached)) return { verdict: cached, isCached: true }
      if (breaker.tripped) throw breaker.tripped
      const verdict: Verdict = {
        key,
        rubric: metric,
        protocol: protocol.name,
        protocolHash: protocol.hash,
        promptHash,
        judgeModel: client.model,
        judgedAt: new Date().toISOString(),
        fromCache: false,
        ...(await ask(prompt, protocol, workSignal)),
      }
      await onVerdict?.(verdict)
      await cache.set(key, verdict)
      return { verdict, isCached: false }
    }
    const { value, isShared } = await flights.run(key, work, signal)
    // The same judgement may have been made under a protocol whose other rubrics differ.
    const { name, hash: protocolHash } = protocol
    return { ...value.verdict, protocol: name, protocolHash, fromCache: value.isCached || isShared }
  }

  const judge: Judge['judge'] = async (item, { signal } = {}) => {
    signal?.throwIfAborted()
    const { rubrics } = item.protocol ?? defaultProtocol
    const verdicts = Object.entries(rubrics).map(
      async ([metric, rubric]) => [metric, await judgeOne(metric, rubric, item, signal)] as const,
    )
    return Object.fromEntries(await Promise.all(verdicts))
  }

  return {
    judge,
    judgeAll: (items, options) =>
      judgeAll(judge, items, { concurrency: client.concurrency, ...options }),
  }
}

/** An error of a call as an unscored verdict; what is no failure of the server is thrown on. */
function failedCall(error: unknown) {
  if (!CemError.isInstance(error) || !Array.isArray(error.data['attempts'])) throw error
  const { attempts, serverCode } = error.data as Readonly<Record<string, unknown>> & ChatErrorData
  return {
    status: 'unscored' as const,
    reason: reasonOf(error.code, serverCode),
    detail: error.message,
    attempts,
  }
}

function reasonOf(code: string, serverCode: string | undefined): UnscoredReason {
  // Azure refuses a filtered request with a 400.
  if (serverCode === 'content_filter') return 'content-filter'
  return code === 'chat-malformed-response' ? 'malformed-response' : 'http'
}
