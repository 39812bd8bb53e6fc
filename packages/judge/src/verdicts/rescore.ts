import { readTokens } from './read-verdict.ts'
import type { ScoreOptions } from './score.ts'
import type { Verdict, VerdictRecord } from './verdict.ts'

/**
 * The verdict under another mass cut-off, from the log probabilities that it keeps and with no new call; `minMass` in it says
 * which. One that did not come from log probabilities (text, or a filtered, declined or failed judgement) stays as it is.
 */
export function rescore(verdict: Verdict, { minMass = 0.25 }: ScoreOptions = {}): Verdict {
  if (!canRescore(verdict)) return verdict
  const reading = readTokens(verdict, { parameters: verdict.parameters, minMass })
  return reading ? { ...recordOf(verdict), minMass, ...reading } : verdict
}

/** Whether a mass cut-off means anything to a verdict. */
export function canRescore(verdict: Verdict): boolean {
  const { mass, topLogprobs = [], continuationLogprobs = [] } = verdict
  if (mass === undefined || mass === null) return false
  return topLogprobs.length > 0 || continuationLogprobs.length > 0
}

/** The verdict without its outcome. */
function recordOf(verdict: Verdict): VerdictRecord {
  const outcome = new Set(['status', 'score', 'mass', 'entropy', 'label', 'reason', 'detail'])
  const entries = Object.entries(verdict).filter(([name]) => !outcome.has(name))
  return Object.fromEntries(entries) as unknown as VerdictRecord
}
