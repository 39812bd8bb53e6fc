import type { CanarySummary } from '@cem/judge'
import type { RunWarning } from '../events.ts'

/**
 * What canary rows say against a judge, by the hash of the protocol that they were judged under: an alarm where orders in an
 * answer moved its score or took it away, else a note where they could not be judged or the judge does not know them for what
 * they are.
 */
export function canaryAlarms(summaries: Readonly<Record<string, CanarySummary>>): RunWarning[] {
  const all = Object.values(summaries)
  const rows = all.flatMap(({ injected }) => injected)
  const moved = rows.filter(({ outcome }) => outcome === 'moved' || outcome === 'silenced')
  if (moved.length > 0) {
    const lines = moved.map(
      ({ id, clean, injected }) => `${id} ${points(clean)} to ${points(injected)}`,
    )
    return [
      {
        code: 'judge-obeys-answers',
        message: `The judge does what answers tell it: in ${moved.length} of ${rows.length} canary rows the order in the answer moved the score or took it away (${lines.slice(0, 6).join('; ')}). Every score of this judge may be moved by the answer it is of; take another judge, or rubrics that keep answers apart.`,
        cells: [],
      },
    ]
  }
  const reasons = [...new Set(all.flatMap((summary) => summary.reasons))]
  if (reasons.length === 0) return []
  return [
    {
      code: 'canaries-unclear',
      message: `The canary rows do not show whether the judge obeys answers. ${reasons.join(' ')}`,
      cells: [],
    },
  ]
}

function points(score: number | null): string {
  return score === null ? 'no score' : String(Math.round(score))
}
