import { type Absent, isAbsent } from '../absent.ts'
import { checkNotNegative, checkPositive, checkProbability } from '../options.ts'
import { studentCdf } from './distributions.ts'
import type { PairedDifference } from './paired-difference.ts'

export interface EquivalenceOptions {
  /** Differences smaller than this are declared to not matter, in the unit of the values. Fix it before seeing the data. */
  readonly margin: number
  /** Error rate of each one-sided test. @default 0.05 */
  readonly alpha?: number
  /**
   * The claim must also hold were one further question to differ by this much against it, in the unit of the values; 0 leaves
   * that out. @default 0.5, half the range of a rate: give 50 for scores of 0 to 100
   */
  readonly unseen?: number
}

export interface Equivalence {
  /** The larger of the two one-sided p-values, with the unseen question and without. */
  readonly p: number | Absent
  /** p <= alpha. False also where there is no p: nothing was shown. */
  readonly isEquivalent: boolean
  readonly margin: number
  readonly alpha: number
  readonly unseen: number
}

/** What the test needs of a difference. */
export type TestedDifference = Pick<
  PairedDifference,
  'estimate' | 'standardError' | 'degreesOfFreedom' | 't'
>

/**
 * Two one-sided t tests (Schuirmann, 1987): is the true difference within (-margin, margin)? A difference that is not
 * significant is no evidence of that; this is.
 *
 * Where few questions carry a behaviour, a sample that misses them looks equal and varies little: at 8 questions and rates of 2
 * and 10 % the plain tests call a difference at the margin equivalent 14-24 % of the time instead of 5 % (docs/statistics.md).
 * So each test is made again with one further question whose difference is `unseen` against the claim, and has to pass both
 * times; the rate of false claims was then at most 5 % in every setting simulated. The price is a smallest margin that can be
 * shown at all, about 0.16 for rates over 8 questions and 0.045 over 30.
 *
 * @throws CemError `bad-option` for a margin that is not above 0
 */
export function equivalence(
  difference: TestedDifference,
  { margin, alpha = 0.05, unseen = 0.5 }: EquivalenceOptions,
): Equivalence {
  checkPositive('margin', margin)
  checkProbability('alpha', alpha)
  checkNotNegative('unseen', unseen)
  const p = largestOneSidedP(difference, margin, unseen)
  return { p, isEquivalent: typeof p === 'number' && p <= alpha, margin, alpha, unseen }
}

function largestOneSidedP(
  { estimate, standardError, degreesOfFreedom, t }: TestedDifference,
  margin: number,
  unseen: number,
): number | Absent {
  if (isAbsent(estimate)) return estimate
  if (isAbsent(t)) return t
  if (isAbsent(standardError)) return standardError
  if (isAbsent(degreesOfFreedom)) return degreesOfFreedom
  const below = (mean: number, error: number, df: number) => studentCdf((mean - margin) / error, df)
  const plain = Math.max(
    below(estimate, standardError, degreesOfFreedom),
    below(-estimate, standardError, degreesOfFreedom),
  )
  if (unseen === 0) return plain
  const withUnseen = [estimate, -estimate].map((mean) => {
    const further = withOneMore(mean, standardError, degreesOfFreedom + 1, unseen)
    return below(further.mean, further.standardError, degreesOfFreedom + 1)
  })
  return Math.max(plain, ...withUnseen)
}

/** Mean and standard error of n values after one more. */
export function withOneMore(
  mean: number,
  standardError: number,
  n: number,
  value: number,
): { mean: number; standardError: number } {
  const squares = standardError ** 2 * n * (n - 1) + (n / (n + 1)) * (mean - value) ** 2
  return { mean: (n * mean + value) / (n + 1), standardError: Math.sqrt(squares / n / (n + 1)) }
}
