import { type Absent, isAbsent } from '../absent.ts'
import { checkPositive, checkProbability } from '../options.ts'
import { studentCdf } from './distributions.ts'
import type { PairedDifference } from './paired-difference.ts'

export interface EquivalenceOptions {
  /** Differences smaller than this are declared to not matter, in the unit of the values. Fix it before seeing the data. */
  readonly margin: number
  /** Error rate of each one-sided test. @default 0.05 */
  readonly alpha?: number
}

export interface Equivalence {
  /** The larger of the two one-sided p-values. */
  readonly p: number | Absent
  /** p <= alpha. False also where there is no p: nothing was shown. */
  readonly isEquivalent: boolean
  readonly margin: number
  readonly alpha: number
}

/**
 * Two one-sided t tests (Schuirmann, 1987): is the true difference within (-margin, margin)? A difference that is not
 * significant is no evidence of that; this is.
 *
 * @throws CemError `bad-option` for a margin that is not above 0
 */
export function equivalence(
  difference: Pick<PairedDifference, 'estimate' | 'standardError' | 'degreesOfFreedom' | 't'>,
  { margin, alpha = 0.05 }: EquivalenceOptions,
): Equivalence {
  checkPositive('margin', margin)
  checkProbability('alpha', alpha)
  const p = largerOneSidedP(difference, margin)
  return { p, isEquivalent: typeof p === 'number' && p <= alpha, margin, alpha }
}

function largerOneSidedP(
  {
    estimate,
    standardError,
    degreesOfFreedom,
    t,
  }: Pick<PairedDifference, 'estimate' | 'standardError' | 'degreesOfFreedom' | 't'>,
  margin: number,
): number | Absent {
  if (isAbsent(estimate)) return estimate
  if (isAbsent(t)) return t
  if (isAbsent(standardError)) return standardError
  if (isAbsent(degreesOfFreedom)) return degreesOfFreedom
  const aboveLower = studentCdf(-(estimate + margin) / standardError, degreesOfFreedom)
  const belowUpper = studentCdf((estimate - margin) / standardError, degreesOfFreedom)
  return Math.max(aboveLower, belowUpper)
}
