import type { BatchApi } from './batch-api.ts'
import { type BatchPart, type BatchState, type BatchStatus, hasEnded } from './batch-state.ts'
import { partOf } from './batch-submit.ts'

export type BatchEvent =
  | {
      readonly type: 'part-progress' | 'part-end'
      /** From 0. */
      readonly part: number
      readonly nParts: number
      readonly status: BatchStatus
      /** Of all parts. */
      readonly nCompleted: number
      readonly nFailed: number
      readonly nRequests: number
      readonly state: BatchState
    }
  | { readonly type: 'poll-wait'; readonly delayInMs: number }

export interface PollOptions {
  readonly api: Pick<BatchApi, 'retrieve'>
  readonly onState: (state: BatchState) => void | Promise<void>
  readonly signal: AbortSignal | undefined
  readonly redact: (text: string) => string
  readonly pollIntervalInMs: number
  readonly maxPollIntervalInMs: number
  readonly sleep: (delayInMs: number) => Promise<void>
}

/** See `BatchClient.poll`. */
export async function* pollBatches(
  given: BatchState,
  { api, onState, signal, redact, sleep, ...intervals }: PollOptions,
): AsyncGenerator<BatchEvent, BatchState> {
  const { pollIntervalInMs, maxPollIntervalInMs } = intervals
  let state = given
  let delayInMs = pollIntervalInMs
  for (;;) {
    let hasNews = false
    for (const [at, part] of state.parts.entries()) {
      if (part.batchId === null || hasEnded(part)) continue
      const change = partOf(await api.retrieve(part.batchId, signal), redact)
      const parts = state.parts.map((one, i) => (i === at ? { ...one, ...change } : one))
      const changed = parts[at] as BatchPart
      if (changed.status === part.status && countOf(changed) === countOf(part)) continue
      hasNews = true
      state = { ...state, parts }
      await onState(state)
      const type = hasEnded(changed) ? 'part-end' : 'part-progress'
      yield {
        type,
        part: at,
        nParts: parts.length,
        status: changed.status,
        ...totals(parts),
        state,
      }
    }
    if (state.parts.every((part) => part.batchId === null || hasEnded(part))) return state
    delayInMs = hasNews ? pollIntervalInMs : Math.min(maxPollIntervalInMs, delayInMs * 1.5)
    yield { type: 'poll-wait', delayInMs }
    await sleep(delayInMs)
  }
}

function countOf({ nCompleted, nFailed }: BatchPart): number {
  return nCompleted + nFailed
}

function totals(parts: readonly BatchPart[]) {
  const sum = (name: 'nCompleted' | 'nFailed' | 'nRequests') =>
    parts.reduce((total, part) => total + part[name], 0)
  return { nCompleted: sum('nCompleted'), nFailed: sum('nFailed'), nRequests: sum('nRequests') }
}
