import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { type Agreement, agreement } from './agreement.ts'
import { questionOf, type TwoColumns } from './columns.ts'
import { krippendorffAlpha } from './krippendorff-alpha.ts'
import { type PairedDifference, pairedDifference } from './paired-difference.ts'
import { type ReliabilityEstimate, type ReliabilityOptions, spearman } from './spearman.ts'

export interface RetestOptions extends ReliabilityOptions {
  /** A score at or below this counts as one label, above it as the other, as in aligned <= 30. Without it no flips are counted. */
  readonly threshold?: number
}

export interface TestRetest {
  /** Mean of (second - first), by question: a judge that drifts. */
  readonly drift: Pick<PairedDifference, 'estimate' | 'interval' | 'p'>
  /** Of one score: root of half the mean squared difference around the drift. In points of the score. */
  readonly standardErrorOfMeasurement: number | Absent
  /** Rows whose score is the same both times. */
  readonly identical: Agreement
  /** Rows that stay on their side of the threshold; `disagreements` are those that flipped. */
  readonly sameSide: Agreement | Absent
  readonly alpha: ReliabilityEstimate
  readonly spearman: ReliabilityEstimate
}

/**
 * One judge twice on the SAME rows: how far its scores move, and on which rows that changes the label.
 *
 * @throws CemError `bad-columns`, `bad-option`
 */
export function testRetest(
  { a, b, questions }: TwoColumns<number | null>,
  { threshold, level = 0.95 }: RetestOptions = {},
): TestRetest {
  if (threshold !== undefined && !Number.isFinite(threshold))
    throw new CemError({
      code: 'bad-option',
      message: `threshold is ${threshold}; it must be a finite number.`,
      data: { name: 'threshold', value: threshold },
    })
  const columns = questions === undefined ? { a, b } : { a, b, questions }
  const ranks = spearman(columns, { level })
  const both = a.flatMap((first, row) => {
    const second = b[row]
    if (first === null || second === null || second === undefined) return []
    return [{ question: questionOf(questions, row), first, second }]
  })
  const { estimate, interval, p } = pairedDifference(
    both.map(({ question, second }) => ({ question, value: second })),
    both.map(({ question, first }) => ({ question, value: first })),
    { level, nRandomPatterns: 99 },
  )
  const sides = (column: readonly (number | null)[], cut: number) =>
    column.map((score) => (score === null ? null : score <= cut ? 'at or below' : 'above'))
  return {
    drift: { estimate, interval, p },
    standardErrorOfMeasurement: errorOfMeasurement(both.map((pair) => pair.second - pair.first)),
    identical: agreement(columns, { level }),
    sameSide:
      threshold === undefined
        ? absent('no threshold given')
        : agreement({ ...columns, a: sides(a, threshold), b: sides(b, threshold) }, { level }),
    alpha: krippendorffAlpha(
      questions === undefined ? { columns: [a, b] } : { columns: [a, b], questions },
      { measurement: 'interval', level },
    ),
    spearman: ranks,
  }
}

/** sd of the differences / sqrt(2). */
function errorOfMeasurement(differences: readonly number[]): number | Absent {
  const n = differences.length
  if (n < 2) return absent(`it needs at least 2 rows with both scores, there are ${n}`)
  const mean = differences.reduce((sum, value) => sum + value, 0) / n
  const squares = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (n - 1) / 2)
}
