import type { ChatCompletion, ChatRequest } from '@cem/chat'
import { CemError } from '@cem/core'
import { requestParameters } from '../protocols/message.ts'
import { isFinal, type Verdict } from '../verdicts/verdict.ts'
import type { VerdictCache } from '../verdicts/verdict-cache.ts'
import { completionOutcome } from './ask-judge.ts'
import type { Prepared } from './prepare.ts'

/** A judgement for a provider's batch. */
export interface BatchedJudgement {
  /** The key of its verdict. */
  readonly id: string
  readonly request: ChatRequest
}

/** What became of it there: as much of a batch client's outcome as is needed. */
export type BatchedOutcome =
  | { readonly id: string; readonly status: 'answered'; readonly completion: ChatCompletion }
  | {
      readonly id: string
      readonly status: 'failed'
      readonly reason: string
      readonly detail: string
      readonly serverCode?: string | undefined
    }

/** What was taken over. */
export interface TakenBatch {
  /** Verdicts written, scored or not. */
  readonly taken: number
  /** Outcomes whose verdict was there already. */
  readonly known: number
  /** Outcomes without an answer, by reason: these judgements are asked for one by one when the items are judged. */
  readonly failed: Readonly<Record<string, number>>
  /** Ids that belong to none of the items. */
  readonly foreign: readonly string[]
}

/** The requests for all judgements that have no final verdict yet, each once. @throws CemError `bad-judge-option` */
export async function planBatch(
  judgements: Iterable<Prepared>,
  cache: VerdictCache,
): Promise<BatchedJudgement[]> {
  const planned = new Map<string, BatchedJudgement>()
  for (const { protocol, prompt, record } of judgements) {
    const { key: id } = record
    if (protocol.name === 'logprob-0-100-exact')
      throw new CemError({
        code: 'bad-judge-option',
        message: 'The protocol logprob-0-100-exact cannot be judged in a batch: use judgeAll.',
      })
    const cached = await cache.get(id)
    if (cached && isFinal(cached)) continue
    const messages = [{ role: 'user', content: prompt }] as const
    planned.set(id, { id, request: { messages, ...requestParameters(protocol.parameters) } })
  }
  return [...planned.values()]
}

export interface TakeBatchOptions {
  readonly cache: VerdictCache
  readonly onVerdict: ((verdict: Verdict) => void | Promise<void>) | undefined
}

/** Writes the verdicts of a batch's outcomes to ledger and cache. */
export async function takeBatch(
  judgements: Iterable<Prepared>,
  outcomes: Iterable<BatchedOutcome> | AsyncIterable<BatchedOutcome>,
  { cache, onVerdict }: TakeBatchOptions,
): Promise<TakenBatch> {
  const byKey = new Map<string, Prepared>()
  for (const prepared of judgements) byKey.set(prepared.record.key, prepared)
  const failed: Record<string, number> = {}
  const foreign: string[] = []
  let taken = 0
  let known = 0
  for await (const outcome of outcomes) {
    const prepared = byKey.get(outcome.id)
    if (!prepared) {
      foreign.push(outcome.id)
      continue
    }
    const cached = await cache.get(outcome.id)
    if (cached && isFinal(cached)) {
      known++
      continue
    }
    const verdict = verdictOf(prepared, outcome)
    if (verdict) {
      await onVerdict?.(verdict)
      await cache.set(verdict.key, verdict)
      taken++
    } else if (outcome.status === 'failed')
      failed[outcome.reason] = (failed[outcome.reason] ?? 0) + 1
  }
  return { taken, known, failed, foreign }
}

/** Undefined where nothing was said: asking one by one may bring an answer. */
function verdictOf({ protocol, record }: Prepared, outcome: BatchedOutcome): Verdict | undefined {
  const judgedAt = new Date().toISOString()
  if (outcome.status === 'answered') {
    if (protocol.name === 'logprob-0-100-exact') return undefined
    return { ...record, judgedAt, ...completionOutcome(outcome.completion, protocol) }
  }
  if (outcome.serverCode !== 'content_filter') return undefined
  const { detail } = outcome
  return { ...record, judgedAt, attempts: [], status: 'unscored', reason: 'content-filter', detail }
}
