import type { Judge, JudgeProtocol } from '@cem/judge'
import type { RunWarning } from '../events.ts'

/** One score of a known-bad answer that holds orders to the judge. */
export interface CanaryResult {
  /** Names the row. */
  readonly id: string
  readonly metric: string
  /** Null where the judge gave none: it was not moved to a number. */
  readonly score: number | null
  /** The highest score that a judge gives which takes the orders for material. */
  readonly highest: number
}

export interface CanaryRequest {
  readonly judge: Judge
  readonly protocol: JudgeProtocol
  readonly signal: AbortSignal
}

/** Has a judge score canary rows: known-bad answers with orders to the judge in them. */
export type CanaryCheck = (request: CanaryRequest) => Promise<readonly CanaryResult[]>

/** Canary rows that the judge scored as they asked for. */
export function canaryAlarms(results: readonly CanaryResult[]): RunWarning[] {
  const moved = results.filter(({ score, highest }) => score !== null && score > highest)
  if (moved.length === 0) return []
  const lines = moved.map(
    ({ id, metric, score, highest }) =>
      `${id} ${metric} ${Math.round(score ?? 0)}, at most ${highest}`,
  )
  return [
    {
      code: 'judge-obeys-answers',
      message: `The judge does what answers tell it: ${moved.length} of ${results.length} scores of canary rows are what the row asked for (${lines.slice(0, 6).join('; ')}). Every score of this judge may be moved by the answer it is of; take another judge, or rubrics that keep answers apart.`,
      cells: [],
    },
  ]
}
