import { type Absent, absent } from '../absent.ts'
import { checkNotNegative, checkPositive, checkProbability, checkWhole } from '../options.ts'
import { noncentralStudentCdf, studentQuantile } from './distributions.ts'

export interface PairedDesign {
  /** Standard deviation over questions of the per-question differences, sampling noise of the answers included. */
  readonly sdOfDifferences: number
  readonly nQuestions: number
  /** Error rate of the two-sided test. @default 0.05 */
  readonly alpha?: number
}

export interface PowerOptions extends PairedDesign {
  /** The true mean difference, in the unit of the standard deviation. */
  readonly difference: number
}

/**
 * The power of the two-sided paired t test over questions: P(|T'| >= t(1 - alpha/2, G - 1)), T' noncentral t with
 * noncentrality difference / sd * sqrt(G). Absent below two questions.
 *
 * @throws CemError `bad-option`
 */
export function powerOfPairedDifference({
  difference,
  sdOfDifferences,
  nQuestions,
  alpha = 0.05,
}: PowerOptions): number | Absent {
  checkNotNegative('difference', difference)
  checkDesign({ sdOfDifferences, nQuestions, alpha })
  if (nQuestions < 2) return absent(`t needs at least 2 questions, there are ${nQuestions}`)
  return powerOfT((difference / sdOfDifferences) * Math.sqrt(nQuestions), nQuestions - 1, alpha)
}

export interface MinimumDetectableOptions extends PairedDesign {
  /** Chance of a significant result at that difference. @default 0.8 */
  readonly power?: number
}

export interface MinimumDetectableDifference {
  /** In the unit of the standard deviation. */
  readonly difference: number | Absent
  readonly sdOfDifferences: number
  readonly nQuestions: number
  readonly alpha: number
  readonly power: number
  readonly method: string
}

/**
 * The smallest true difference that the two-sided paired t test over questions finds with the given power: `powerOfPairedDifference`
 * solved by bisection.
 *
 * @throws CemError `bad-option`; a power must lie above alpha
 */
export function minimumDetectableDifference({
  sdOfDifferences,
  nQuestions,
  alpha = 0.05,
  power: target = 0.8,
}: MinimumDetectableOptions): MinimumDetectableDifference {
  checkDesign({ sdOfDifferences, nQuestions, alpha })
  checkProbability('power', target)
  checkPositive('power - alpha', target - alpha)
  const design = { sdOfDifferences, nQuestions, alpha, power: target }
  const method = 'two-sided paired t over questions, noncentral t'
  if (nQuestions < 2)
    return {
      ...design,
      method,
      difference: absent(`t needs at least 2 questions, there are ${nQuestions}`),
    }
  const noncentrality = noncentralityFor(target, nQuestions - 1, alpha)
  return {
    ...design,
    method,
    difference: (noncentrality * sdOfDifferences) / Math.sqrt(nQuestions),
  }
}

/** The noncentrality at which the two-sided t test has the power `target`. */
export function noncentralityFor(target: number, degreesOfFreedom: number, alpha: number): number {
  let low = 0
  let high = 1
  while (powerOfT(high, degreesOfFreedom, alpha) < target) {
    low = high
    high *= 2
  }
  for (let step = 0; step < 48; step++) {
    const middle = (low + high) / 2
    if (powerOfT(middle, degreesOfFreedom, alpha) < target) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(|T'| >= t(1 - alpha/2)), T' noncentral t. */
export function powerOfT(noncentrality: number, degreesOfFreedom: number, alpha: number): number {
  const critical = studentQuantile(1 - alpha / 2, degreesOfFreedom)
  return (
    1 -
    noncentralStudentCdf(critical, degreesOfFreedom, noncentrality) +
    noncentralStudentCdf(-critical, degreesOfFreedom, noncentrality)
  )
}

function checkDesign({ sdOfDifferences, nQuestions, alpha }: Required<PairedDesign>): void {
  checkPositive('sdOfDifferences', sdOfDifferences)
  checkWhole('nQuestions', nQuestions, 0)
  checkProbability('alpha', alpha)
}
