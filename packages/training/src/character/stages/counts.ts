/** Adds to a count that may not be there yet. */
export function addCount(counts: Record<string, number>, name: string, n = 1): void {
  counts[name] = (counts[name] ?? 0) + n
}
