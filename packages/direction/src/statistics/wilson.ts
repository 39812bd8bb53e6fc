/**
 * Wilson's score interval for a share, for a sample size that need not be whole. E. B. Wilson, "Probable inference, the law of
 * succession, and statistical inference", JASA 22 (1927).
 *
 * @param critical the critical value, for instance 1.96, or a t quantile
 */
export function wilson(share: number, n: number, critical: number): { low: number; high: number } {
  const square = critical * critical
  const scale = 1 + square / n
  const centre = (share + square / (2 * n)) / scale
  const half = (critical * Math.sqrt((share * (1 - share)) / n + square / (4 * n * n))) / scale
  // The bounds at shares 0 and 1 are exactly 0 and 1; rounding would put them a hair outside.
  return {
    low: share === 0 ? 0 : Math.max(0, centre - half),
    high: share === 1 ? 1 : Math.min(1, centre + half),
  }
}
