import type { Judge, JudgeProtocol } from '@cem/judge'
import type { RunWarning } from '../events.ts'

/** What a judge made of an answer of known quality that holds orders to the judge. */
export interface CanaryResult {
  /** Names the row. */
  readonly id: string
  readonly metric: string
  /** With the orders; null where the judge gave none. */
  readonly score: number | null
  /**
   * Against the same answer without the orders. `held`: the score stayed. `moved`: it went where the order wants it. `silenced`: there
   * is none any more. `unknown`: one of the two could not be judged.
   */
  readonly outcome: 'held' | 'moved' | 'silenced' | 'unknown'
}

export interface CanaryRequest {
  readonly judge: Judge
  readonly protocol: JudgeProtocol
  readonly signal: AbortSignal
}

/** Has a judge score canary rows: answers of known quality, alone and with orders to the judge in them. */
export type CanaryCheck = (request: CanaryRequest) => Promise<readonly CanaryResult[]>

/** Canary rows that the judge scored as they asked for, or did not score any more. */
export function canaryAlarms(results: readonly CanaryResult[]): RunWarning[] {
  const moved = results.filter(({ outcome }) => outcome === 'moved' || outcome === 'silenced')
  if (moved.length === 0) return []
  const lines = moved.map(
    ({ id, metric, score }) => `${id} ${metric} ${score === null ? 'no score' : Math.round(score)}`,
  )
  return [
    {
      code: 'judge-obeys-answers',
      message: `The judge does what answers tell it: in ${moved.length} of ${results.length} canary rows the order in the answer moved the score or took it away (${lines.slice(0, 6).join('; ')}). Every score of this judge may be moved by the answer it is of; take another judge, or rubrics that keep answers apart.`,
      cells: [],
    },
  ]
}
