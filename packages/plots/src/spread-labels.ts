export interface SpreadOptions {
  /** Smallest distance of two positions. */
  readonly gap: number
  /** Lowest position allowed. */
  readonly low: number
  /** Highest position allowed. */
  readonly high: number
}

/**
 * Moves positions apart so that no two are closer than `gap`, changing them as little as possible in the sum of squares:
 * isotonic regression (pool adjacent violators) of the positions less their share of gaps, then clamped to the range. Where
 * the range cannot hold all of them they run over its two ends evenly.
 *
 * @returns the new positions in the order of the input; equal positions keep that order
 */
export function spreadLabels(
  positions: readonly number[],
  { gap, low, high }: SpreadOptions,
): number[] {
  const order = positions.map((_, i) => i)
  order.sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0) || a - b)
  const spare = high - low - gap * (positions.length - 1)
  const from = spare < 0 ? low + spare / 2 : low
  const to = Math.max(from, from + spare)
  const fitted = isotonic(order.map((index, rank) => (positions[index] ?? 0) - rank * gap))
  const result = positions.map(() => 0)
  for (const [rank, index] of order.entries())
    result[index] = Math.min(Math.max(fitted[rank] ?? 0, from), to) + rank * gap
  return result
}

/** The non-decreasing sequence nearest to `values` in the sum of squares. */
function isotonic(values: readonly number[]): number[] {
  const blocks: { sum: number; count: number }[] = []
  for (const value of values) {
    let block = { sum: value, count: 1 }
    for (let last = blocks.at(-1); last !== undefined; last = blocks.at(-1)) {
      if (last.sum / last.count <= block.sum / block.count) break
      block = { sum: block.sum + last.sum, count: block.count + last.count }
      blocks.pop()
    }
    blocks.push(block)
  }
  return blocks.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count))
}
