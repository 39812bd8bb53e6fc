import { type Absent, absent } from '../absent.ts'
import { checkProbability } from '../options.ts'
import { studentQuantile } from './distributions.ts'
import type { Interval } from './interval.ts'

export interface StudentMean {
  readonly estimate: number | Absent
  /** Standard deviation, divisor n - 1. */
  readonly sd: number | Absent
  readonly standardError: number | Absent
  readonly interval: Interval | Absent
}

/** Mean of one value per question with its t(n - 1) interval. Fewer than two questions, or no spread at all: absences. */
export function studentMean(values: readonly number[], level: number, over: string): StudentMean {
  checkProbability('level', level)
  const n = values.length
  if (n === 0) {
    const none = absent('no scored rows')
    return { estimate: none, sd: none, standardError: none, interval: none }
  }
  const estimate = values.reduce((sum, value) => sum + value, 0) / n
  if (n === 1) {
    const one = absent('one question: nothing shows how much questions differ')
    return { estimate, sd: one, standardError: one, interval: one }
  }
  const sd = standardDeviation(values, estimate)
  const standardError = sd / Math.sqrt(n)
  return { estimate, sd, standardError, interval: studentInterval() }

  function studentInterval(): Interval | Absent {
    if (sd === 0) return absent(`all ${n} questions have the same value: no variance to estimate`)
    const half = studentQuantile((1 + level) / 2, n - 1) * standardError
    return { low: estimate - half, high: estimate + half, level, method: `t(${n - 1}) ${over}` }
  }
}

/** Divisor n - 1. Values that differ by rounding alone (0.3 - 0.1 and 0.4 - 0.2) give exactly 0. */
function standardDeviation(values: readonly number[], mean: number): number {
  const spread = Math.max(...values) - Math.min(...values)
  if (spread <= 1e-12 * Math.max(...values.map(Math.abs))) return 0
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1))
}
