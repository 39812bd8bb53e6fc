import type { Absent } from '../absent.ts'
import { clusterJackknife } from './cluster-jackknife.ts'
import { checkNumbers, pairColumns, type TwoColumns } from './columns.ts'
import type { Interval } from './interval.ts'
import { midRanks } from './mid-ranks.ts'

export interface ReliabilityOptions {
  /** Nominal coverage of the interval. @default 0.95 */
  readonly level?: number
}

export interface ReliabilityEstimate {
  readonly estimate: number | Absent
  readonly interval: Interval | Absent
  /** Rows that count. */
  readonly n: number
  /** Rows that do not, for want of a rating. */
  readonly nLeftOut: number
  /** Questions among the rows that count; the rows themselves where no questions are given. */
  readonly nQuestions: number
}

/**
 * Spearman's rank correlation of two columns, equal values with their mean rank; the interval leaves out one question at a time
 * (`clusterJackknife`, Fisher's scale). It is blind to a judge that is shifted or stretched: look at Krippendorff's alpha too.
 * Absent below three rows and where one column has one value only.
 *
 * @throws CemError `bad-columns`, `bad-option`
 */
export function spearman(
  columns: TwoColumns<number | null>,
  { level = 0.95 }: ReliabilityOptions = {},
): ReliabilityEstimate {
  checkNumbers([columns.a, columns.b], 'a rank correlation')
  const { byQuestion, n, nLeftOut } = pairColumns<number>(columns)
  const { estimate, interval } = clusterJackknife({
    clusters: [...byQuestion.values()],
    statistic: (groups) => {
      const pairs = groups.flat()
      return pairs.length < 3
        ? Number.NaN
        : correlation(midRanks(pairs.map(({ a }) => a)), midRanks(pairs.map(({ b }) => b)))
    },
    level,
    scale: 'fisher',
  })
  return { estimate, interval, n, nLeftOut, nQuestions: byQuestion.size }
}

/** Pearson's; NaN where one side does not vary. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const [meanX, meanY] = [mean(x), mean(y)]
  let [xy, xx, yy] = [0, 0, 0]
  for (const [index, value] of x.entries()) {
    const dx = value - meanX
    const dy = (y[index] as number) - meanY
    xy += dx * dy
    xx += dx * dx
    yy += dy * dy
  }
  return xy / Math.sqrt(xx * yy)
}
