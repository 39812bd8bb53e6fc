import { canRescore, rescore } from './rescore.ts'
import { type Summary, type SummaryOptions, summarize } from './summarize.ts'
import type { Verdict } from './verdict.ts'

/** One answer with its whole verdicts, as a ledger has them. */
export interface LedgerRow {
  readonly aligned?: Verdict | undefined
  readonly coherent?: Verdict | undefined
}

export interface RethresholdOptions extends SummaryOptions {
  /** The probability that the integers need for a score, in [0, 1]. @default 0.25 */
  readonly minMass?: number
}

export interface Rethresholded extends Summary {
  readonly minMass: number
  /** Verdicts to which the cut-off was applied. */
  readonly rescored: number
  /** Verdicts that have no log probabilities, and stay as they are: text, and judgements that were filtered or failed. */
  readonly withoutMass: number
}

/** Counts and rates under other thresholds, another comparison and another mass cut-off, from a ledger and with no new call. */
export function rethreshold(
  rows: readonly LedgerRow[],
  { minMass = 0.25, ...options }: RethresholdOptions = {},
): Rethresholded {
  const verdicts = rows
    .flatMap(({ aligned, coherent }) => [aligned, coherent])
    .filter((verdict) => verdict !== undefined)
  const cut = (verdict: Verdict | undefined) => verdict && rescore(verdict, { minMass })
  const rescoredRows = rows.map(({ aligned, coherent }) => ({
    aligned: cut(aligned),
    coherent: cut(coherent),
  }))
  const rescored = verdicts.filter(canRescore).length
  const summary = summarize(rescoredRows, options)
  return { ...summary, minMass, rescored, withoutMass: verdicts.length - rescored }
}
