import type { AnchorDrift, CanarySummary } from '@cem/judge'
import type { JudgeCounters } from '../events.ts'
import type { JudgeAgreement } from './agreement.ts'
import type { JudgingEstimate } from './estimate.ts'

/** Which of a run's judges: the first gives the verdicts that rates are made of. */
export type JudgeRole = 'first' | 'second' | 'retest'

/** What happens in judging besides the units of its cells. */
export type JudgingEvent =
  | {
      /** A pass over the answers of some cells begins. */
      readonly type: 'judging-start'
      readonly judge: JudgeRole
      readonly model: string
      readonly session: string
      readonly cells: readonly string[]
      /** Answers of the cells; anchors and canary rows come on top. */
      readonly nRows: number
      /** What is left to ask; null for protocols whose calls cannot be counted before. */
      readonly estimate: JudgingEstimate | null
    }
  | {
      /** Of what is no unit of a cell: a batch at the provider, the second judge, the retest. */
      readonly type: 'judge-progress'
      readonly judge: JudgeRole
      readonly isBatch: boolean
      readonly done: number
      readonly total: number
      /** What the provider says of its batch. */
      readonly status?: string
      readonly counters: JudgeCounters
    }
  | {
      readonly type: 'judge-canaries'
      readonly session: string
      /** By the hash of the protocol that they were judged under. */
      readonly summaries: Readonly<Record<string, CanarySummary>>
    }
  | { readonly type: 'judge-anchors'; readonly session: string; readonly drift: AnchorDrift }
  | {
      /** What a session has cost by now: each replaces the one before. */
      readonly type: 'judge-cost'
      readonly judge: JudgeRole
      readonly session: string
      readonly calls: number
      readonly promptTokens: number
      readonly completionTokens: number
      /** Null without prices. */
      readonly costUsd: number | null
      /** At most, by calls whose usage is unknown; beside `costUsd`. */
      readonly possibleUsd: number | null
    }
  | {
      readonly type: 'judge-agreement'
      readonly of: 'second' | 'retest'
      /** What it was made from: while this stays, it is not made again. */
      readonly inputs: string
      readonly agreement: Readonly<Record<string, JudgeAgreement>>
    }
