import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkPositive, checkProbability, checkWhole } from '../options.ts'
import { studentQuantile, twoOneSidedPower } from './distributions.ts'

export interface EquivalencePowerOptions {
  /** Differences smaller than this do not matter, in the unit of the standard deviation. */
  readonly margin: number
  /** The true difference. @default 0 */
  readonly difference?: number
  /** Standard deviation over questions of the per-question differences. */
  readonly sdOfDifferences: number
  readonly nQuestions: number
  /** Error rate of each one-sided test. @default 0.05 */
  readonly alpha?: number
  /** Pairs that must all pass, for `allPairsEquivalence`: the power is then a lower bound (Bonferroni). @default 1 */
  readonly nPairs?: number
}

/**
 * The chance that `equivalence` passes: both one-sided t tests reject, exactly, by integrating over the estimated standard
 * deviation (Phillips, Journal of Pharmacokinetics and Biopharmaceutics 18, 1990). For several pairs, 1 - nPairs (1 - power), at
 * least 0. Absent below two questions.
 *
 * @throws CemError `bad-option`
 */
export function powerOfEquivalence({
  margin,
  difference = 0,
  sdOfDifferences,
  nQuestions,
  alpha = 0.05,
  nPairs = 1,
}: EquivalencePowerOptions): number | Absent {
  checkPositive('margin', margin)
  checkPositive('sdOfDifferences', sdOfDifferences)
  checkWhole('nQuestions', nQuestions, 0)
  checkWhole('nPairs', nPairs, 1)
  checkProbability('alpha', alpha)
  if (!Number.isFinite(difference))
    throw new CemError({
      code: 'bad-option',
      message: `difference is ${difference}; it must be a finite number.`,
      data: { name: 'difference', value: difference },
    })
  if (nQuestions < 2) return absent(`t needs at least 2 questions, there are ${nQuestions}`)
  const standardError = sdOfDifferences / Math.sqrt(nQuestions)
  const one = equivalencePower(margin, difference, standardError, nQuestions - 1, alpha)
  return Math.max(0, 1 - nPairs * (1 - one))
}

/** The same from a standard error and its degrees of freedom. */
export function equivalencePower(
  margin: number,
  difference: number,
  standardError: number,
  degreesOfFreedom: number,
  alpha: number,
): number {
  return twoOneSidedPower(
    studentQuantile(1 - alpha, degreesOfFreedom),
    degreesOfFreedom,
    (difference + margin) / standardError,
    (difference - margin) / standardError,
  )
}
