import { type ScoreOptions, scoreFromTopLogprobs } from './score.ts'
import type { Verdict, VerdictRecord } from './verdict.ts'

/**
 * The verdict under another mass cut-off, from the tokens that it keeps and with no new call. One that did not come from
 * tokens (a filtered, declined or failed judgement) stays as it is.
 */
export function rescore(verdict: Verdict, options: ScoreOptions): Verdict {
  const { topLogprobs = [] } = verdict
  if (topLogprobs.length === 0 || verdict.mass === undefined) return verdict
  return { ...recordOf(verdict), ...scoreFromTopLogprobs(topLogprobs, options) }
}

/** The verdict without its outcome. */
function recordOf(verdict: Verdict): VerdictRecord {
  const outcome = new Set(['status', 'score', 'mass', 'reason', 'detail'])
  const entries = Object.entries(verdict).filter(([name]) => !outcome.has(name))
  return Object.fromEntries(entries) as unknown as VerdictRecord
}
