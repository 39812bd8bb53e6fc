/** The allowed value nearest to a mistyped one (edit distance at most 2, and less than its length), for error messages. */
export function nearest(value: string, allowed: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(2, value.length - 1) + 1
  for (const candidate of allowed) {
    const distance = editDistance(value, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
