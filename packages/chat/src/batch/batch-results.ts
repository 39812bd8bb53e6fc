import { countUsage, newCounters } from '../call-counters.ts'
import { type Prices, usdOf } from '../cost/prices.ts'
import type { BatchApi } from './batch-api.ts'
import {
  type BatchFailureReason,
  type BatchOutcome,
  outcomeOf,
  outcomeWithoutLine,
  readBatchLine,
} from './batch-outcome.ts'
import type { PlannedPart } from './batch-plan.ts'
import type { BatchPart } from './batch-state.ts'

/** What the files held in all. `nAnswered` and the counts of `failures` make up `nRequests`. */
export interface BatchSummary {
  readonly nRequests: number
  readonly nAnswered: number
  readonly failures: Readonly<Partial<Record<BatchFailureReason, number>>>
  /** Lines that are broken or name no request; what they were about is among the missing. */
  readonly nUnreadableLines: number
  /** Lines for requests that were not asked, or that had a line already; they are left out. */
  readonly nStrayLines: number
  /** As the server counted them, where it did. */
  readonly promptTokens: number
  readonly completionTokens: number
  readonly cachedPromptTokens: number
  /** What these tokens cost in USD; null without `prices`. */
  readonly costUsd: number | null
}

export interface ReadResultsOptions {
  readonly api: Pick<BatchApi, 'lines'>
  readonly prices: Prices | undefined
  readonly redact: (text: string, prompts: readonly string[]) => string
  readonly signal: AbortSignal | undefined
}

/** Reads what became of each request: those with a line in the order of the server's files, then those without. Each comes once. */
export async function* readResults(
  parts: readonly { readonly planned: PlannedPart; readonly part: BatchPart }[],
  { api, prices, redact, signal }: ReadResultsOptions,
): AsyncGenerator<BatchOutcome, BatchSummary> {
  const counters = newCounters(prices !== undefined)
  const failures: Partial<Record<BatchFailureReason, number>> = {}
  const counts = { nRequests: 0, nAnswered: 0, nUnreadableLines: 0, nStrayLines: 0 }

  const count = (outcome: BatchOutcome): BatchOutcome => {
    if (outcome.status === 'answered') counts.nAnswered++
    else failures[outcome.reason] = (failures[outcome.reason] ?? 0) + 1
    const usage = outcome.status === 'answered' ? outcome.completion.usage : outcome.usage
    countUsage(counters, usage)
    if (counters.costUsd !== null && usage && prices) counters.costUsd += usdOf(usage, prices)
    return outcome
  }

  for (const { planned, part } of parts) {
    const pending = new Map(planned.items.map(({ id, request }) => [id, request]))
    counts.nRequests += pending.size
    let nUnreadable = 0
    // Answers first: a request with an answer and an error is answered.
    for (const fileId of [part.outputFileId, part.errorFileId]) {
      if (fileId === null) continue
      for await (const text of api.lines(fileId, signal)) {
        const line = readBatchLine(text)
        const request = line && pending.get(line.id)
        if (line === undefined) nUnreadable++
        else if (request === undefined) counts.nStrayLines++
        else {
          pending.delete(line.id)
          const prompts = request.messages.map(({ content }) => content)
          yield count(outcomeOf(line, part.batchId, (told) => redact(told, prompts)))
        }
      }
    }
    counts.nUnreadableLines += nUnreadable
    const detail = detailOf(part, nUnreadable)
    for (const id of pending.keys()) yield count(outcomeWithoutLine(id, part, detail))
  }
  const { promptTokens, completionTokens, cachedPromptTokens, costUsd } = counters
  return { ...counts, failures, promptTokens, completionTokens, cachedPromptTokens, costUsd }
}

function detailOf({ status, batchId, errors }: BatchPart, nUnreadable: number): string {
  const batch = batchId === null ? 'no batch was created' : `batch ${batchId} is ${status}`
  const broken = nUnreadable > 0 ? `; ${nUnreadable} lines of its files cannot be read` : ''
  const told = errors.slice(0, 3).map(({ message }) => `; ${message}`)
  return `${batch} and has no line for the request${broken}${told.join('')}`
}
