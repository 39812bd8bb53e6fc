import type { SeriesPoint } from './rows.ts'

export interface CaptionFacts {
  readonly points: readonly SeriesPoint[]
  /** How intervals were computed, in the caller's words. */
  readonly intervalMethod?: string | undefined
  /** What intervals are drawn as. */
  readonly intervals: string
  /** False where values are exact. @default true */
  readonly hasIntervals?: boolean
  /** Whether points of one step stand side by side. */
  readonly isShifted: boolean
  /** Sentences of the figure. */
  readonly notes: readonly string[]
}

/** What a reader has to know to read the figure: intervals, sizes, absences, flags. One string per paragraph. */
export function captionParagraphs(facts: CaptionFacts): string[] {
  const { points, intervals, hasIntervals = true, isShifted, notes } = facts
  const drawn = points.filter((point) => point.value !== null)
  const without = drawn.filter((point) => point.low === null).length
  const gaps = points.length - drawn.length
  const sentences = [
    hasIntervals || without < drawn.length ? '' : 'Values are exact and have no intervals.',
    without < drawn.length ? `${intervals}: ${methodOf(facts)}.` : '',
    hasIntervals && without > 0 ? `* no interval (${counted(without, 'point')}).` : '',
    hasIntervals ? sizes(drawn) : '',
    gaps > 0 ? `Gap in a line: no value (${counted(gaps, 'point')}).` : '',
    isShifted ? 'Points of one step stand side by side.' : '',
    ...notes,
  ]
  return [sentences.filter(Boolean).join(' '), flagNote(points)].filter(Boolean)
}

function methodOf({ intervalMethod }: CaptionFacts): string {
  return intervalMethod?.replace(/\.\s*$/, '') ?? 'intervals of a method not stated'
}

function sizes(points: readonly SeriesPoint[]): string {
  const known = points.flatMap((point) => point.n ?? [])
  if (known.length === 0) return 'n not stated.'
  const low = known.reduce((a, b) => Math.min(a, b))
  const high = known.reduce((a, b) => Math.max(a, b))
  const range = low === high ? `${low}` : `${low}–${high}`
  const unknown = points.length - known.length
  return `n = ${range} per point${unknown > 0 ? `, not stated for ${counted(unknown, 'point')}` : ''}.`
}

function flagNote(points: readonly SeriesPoint[]): string {
  const has = (flag: string) => points.some((point) => point.flags.some((f) => f === flag))
  const reasons = [
    has('collapsed') ? 'collapsed = coherence fell, EM not comparable' : '',
    has('mismatch') ? 'MISMATCH = persona at inference differs from training' : '',
  ].filter(Boolean)
  return reasons.length === 0 ? '' : `Dotted lines, hollow marks: ${reasons.join('; ')}.`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
