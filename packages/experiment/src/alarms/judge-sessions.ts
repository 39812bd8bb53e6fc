import type { AnchorDrift, SessionComparison } from '@cem/judge'
import type { RunWarning } from '../events.ts'

/** A judge that moved by less than this many points has not moved: at temperature 0 an interval can be narrower than any of that matters. */
const leastDrift = 2

/** What the anchors of a session say: an alarm where the judge moved, a note where that cannot be told. */
export function driftAlarms({ status, mean, reason }: AnchorDrift): RunWarning[] {
  if (status === 'stable' || (status === 'drifted' && Math.abs(mean ?? 0) < leastDrift)) return []
  if (status === 'drifted')
    return [
      {
        code: 'judge-drifted',
        message: `The judge changed while it judged. ${reason} Cells of one pass were judged in one random order, so their differences stand; levels, and cells of other sessions, are not comparable with these.`,
        cells: [],
      },
    ]
  return [
    {
      code: 'judge-drift-unclear',
      message: `Whether the judge changed while it judged cannot be told. ${reason}`,
      cells: [],
    },
  ]
}

/** Cells that are compared and were judged by unlike judges: an alarm; endpoints that do not say what they are: a note. */
export function sessionAlarms({ warnings }: SessionComparison): RunWarning[] {
  const unknown = warnings.filter(({ code }) => code.startsWith('unknown-'))
  const different = warnings.filter(({ code }) => !code.startsWith('unknown-'))
  const cells = [...new Set(different.flatMap((warning) => warning.cells))]
  const text = (some: typeof warnings) => some.map(({ message }) => message).join(' ')
  return [
    ...(different.length === 0
      ? []
      : [{ code: 'judge-sessions-differ' as const, message: text(different), cells }]),
    ...(unknown.length === 0
      ? []
      : [{ code: 'judge-fingerprint-unknown' as const, message: text(unknown), cells: [] }]),
  ]
}
