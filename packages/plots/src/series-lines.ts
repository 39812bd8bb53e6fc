import type { SeriesPoint } from './rows.ts'

/** A stretch of a line in one stroke. */
export interface LinePiece {
  readonly points: readonly SeriesPoint[]
  /** Whether it touches a flagged point, and so is no evidence. */
  readonly isFlagged: boolean
}

/**
 * The pieces of one variant's line, its points in step order: broken where a value is null, and cut where points turn from
 * comparable to flagged. Neighbouring pieces without a gap share a point.
 */
export function linePieces(points: readonly SeriesPoint[]): LinePiece[] {
  const pieces: { points: SeriesPoint[]; isFlagged: boolean }[] = []
  for (const [i, to] of points.entries()) {
    const from = points[i - 1]
    if (from === undefined || from.value === null || to.value === null) continue
    const isFlagged = from.flags.length + to.flags.length > 0
    const last = pieces.at(-1)
    if (last?.isFlagged === isFlagged && last.points.at(-1) === from) last.points.push(to)
    else pieces.push({ points: [from, to], isFlagged })
  }
  return pieces
}

/** The points of each variant in step order; variants in the order of `variants`, those without points left out. */
export function seriesOf(
  points: readonly SeriesPoint[],
  variants: Iterable<string>,
): ReadonlyMap<string, readonly SeriesPoint[]> {
  const series = new Map<string, readonly SeriesPoint[]>()
  for (const variant of variants) {
    const own = points.filter((point) => point.variant === variant)
    if (own.length > 0)
      series.set(
        variant,
        own.toSorted((a, b) => a.step - b.step),
      )
  }
  return series
}
