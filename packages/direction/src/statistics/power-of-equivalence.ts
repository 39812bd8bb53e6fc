import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkNotNegative, checkPositive, checkProbability, checkWhole } from '../options.ts'
import { meanOverScale, normalCdf, studentQuantile } from './distributions.ts'
import { withOneMore } from './equivalence.ts'

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
  /** The difference of a further question that must not overturn the claim, as in `equivalence`. @default 0.5 */
  readonly unseen?: number
  /** Pairs that must all pass, for `allPairsEquivalence`: the power is then a lower bound (Bonferroni). @default 1 */
  readonly nPairs?: number
}

/**
 * The chance that `equivalence` passes: both one-sided t tests reject, with the unseen question and without, exactly for
 * normal differences by integrating over the estimated standard deviation (Phillips, Journal of Pharmacokinetics and
 * Biopharmaceutics 18, 1990). For several pairs, 1 - nPairs (1 - power), at
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
  unseen = 0.5,
  nPairs = 1,
}: EquivalencePowerOptions): number | Absent {
  checkPositive('margin', margin)
  checkPositive('sdOfDifferences', sdOfDifferences)
  checkWhole('nQuestions', nQuestions, 0)
  checkWhole('nPairs', nPairs, 1)
  checkNotNegative('unseen', unseen)
  checkProbability('alpha', alpha)
  if (!Number.isFinite(difference))
    throw new CemError({
      code: 'bad-option',
      message: `difference is ${difference}; it must be a finite number.`,
      data: { name: 'difference', value: difference },
    })
  if (nQuestions < 2) return absent(`t needs at least 2 questions, there are ${nQuestions}`)
  const one = equivalencePower({
    margin,
    difference,
    standardError: sdOfDifferences / Math.sqrt(nQuestions),
    degreesOfFreedom: nQuestions - 1,
    alpha,
    unseen,
  })
  return Math.max(0, 1 - nPairs * (1 - one))
}

export interface EquivalenceDesign {
  readonly margin: number
  readonly difference: number
  readonly standardError: number
  readonly degreesOfFreedom: number
  readonly alpha: number
  readonly unseen: number
}

/**
 * The same from a standard error and its degrees of freedom: the mean over u, estimated over true standard error, of the chance
 * that the estimate lies where the tests pass.
 */
export function equivalencePower(design: EquivalenceDesign): number {
  const { margin, difference, standardError, degreesOfFreedom } = design
  const reach = reachOf(design)
  // Beyond this u no estimate passes; the integrand is smooth up to there.
  let [widest, above] = [0, margin / standardError]
  while (reach(above * standardError) > 0) above *= 2
  for (let step = 0; step < 50; step++) {
    const middle = (widest + above) / 2
    if (reach(middle * standardError) > 0) widest = middle
    else above = middle
  }
  return meanOverScale(
    degreesOfFreedom,
    (u) => {
      const most = reach(u * standardError)
      return (
        normalCdf((most - difference) / standardError) -
        normalCdf((-most - difference) / standardError)
      )
    },
    widest,
  )
}

/** The largest |estimate| that passes at an estimated standard error; 0 where none does. */
function reachOf({ margin, degreesOfFreedom, alpha, unseen }: EquivalenceDesign) {
  const plain = studentQuantile(1 - alpha, degreesOfFreedom)
  const further = studentQuantile(1 - alpha, degreesOfFreedom + 1)
  const passes = (mean: number, error: number) => {
    if (mean + plain * error > margin) return false
    if (unseen === 0) return true
    const more = withOneMore(mean, error, degreesOfFreedom + 1, unseen)
    return more.mean + further * more.standardError <= margin
  }
  return (error: number) => {
    if (!passes(0, error)) return 0
    let [low, high] = [0, margin]
    for (let step = 0; step < 40; step++) {
      const middle = (low + high) / 2
      if (passes(middle, error)) low = middle
      else high = middle
    }
    return low
  }
}
