import { type Absent, absent, isAbsent } from '../absent.ts'
import { checkNotNegative, checkPositive, checkProbability, checkWhole } from '../options.ts'
import { type CorrectionFloor, correctionFloor } from './correction-floor.ts'
import type { AdjustedFamily } from './family.ts'
import { type PlannedVariance, pilotInflation, sdOfPlannedDifferences } from './planned-variance.ts'
import { noncentralityFor, powerOfT } from './power.ts'
import { equivalencePower } from './power-of-equivalence.ts'

export interface SeedVariance {
  /** Training seeds per condition. */
  readonly nSeeds: number
  /** Standard deviation over seeds of a seed's effect on the difference. */
  readonly sdOfDifferences: number
  /** Where it comes from. */
  readonly source: string
}

export interface PlanOptions {
  readonly variance: PlannedVariance
  readonly nQuestions: number
  /** Answers per question and condition. */
  readonly nAnswers: number
  /** Leave it out for one training seed: the plan is then about these checkpoints only. */
  readonly seeds?: SeedVariance
  /** Size of the declared family of differences; the plan is for the strictest step of its correction, alpha / nTests. @default 1 */
  readonly nTests?: number
  /** @default 'Holm' */
  readonly correction?: AdjustedFamily['method']
  /** @default 0.05 */
  readonly alpha?: number
  /** @default 0.8 */
  readonly power?: number
  /** A difference that must not be missed: gives `questionsNeeded`. */
  readonly difference?: number
  /** Margin of equivalence: gives its power and the questions it needs. */
  readonly margin?: number
  /** As in `equivalence`. @default 0.5 */
  readonly unseen?: number
  /** Pairs that must all be equivalent. @default 1 */
  readonly nPairs?: number
}

/** The numbers of a plan at one standard deviation. */
export interface PlanNumbers {
  readonly sdOfDifferences: number
  readonly standardError: number
  /** The smallest true difference that is found with the power asked for. */
  readonly minimumDetectableDifference: number
  /** Chance that all pairs pass where the true differences are 0. */
  readonly equivalencePower: number | Absent
  /** Questions for `difference` at this power, other things equal. */
  readonly questionsNeeded: number | Absent
  /** Questions for equivalence at this power where the true differences are 0. */
  readonly questionsForEquivalence: number | Absent
}

export interface ComparisonPlan {
  readonly atEstimate: PlanNumbers | Absent
  /** The same were the pilot's standard deviation at its upper limit (one-sided, 80 %). */
  readonly atUpperLimit: PlanNumbers | Absent
  readonly degreesOfFreedom: number | Absent
  readonly alpha: number
  readonly nTests: number
  readonly power: number
  /** What the correction leaves possible for the sign-flip test. */
  readonly signFlip: CorrectionFloor
  /** Where the variances come from. */
  readonly sources: readonly string[]
  readonly warnings: readonly string[]
}

/** A search stops here: no questions file is larger. */
const mostQuestions = 10_000

/**
 * What a comparison of two conditions will be able to show, before it runs. Standard error^2 = sd^2 / questions (+ sd_seeds^2 /
 * seeds), t on questions - 1 (with seeds: min(questions, seeds) - 1) degrees of freedom, as `pairedDifference` and
 * `crossedDifference` compute it; power by the noncentral t and, for equivalence, by the exact two one-sided tests.
 *
 * @throws CemError `bad-option`
 */
export function planComparison({
  variance,
  nQuestions,
  nAnswers,
  seeds,
  nTests = 1,
  correction = 'Holm',
  alpha = 0.05,
  power = 0.8,
  difference,
  margin,
  unseen = 0.5,
  nPairs = 1,
}: PlanOptions): ComparisonPlan {
  checkWhole('nQuestions', nQuestions, 0)
  checkWhole('nTests', nTests, 1)
  checkWhole('nPairs', nPairs, 1)
  checkProbability('alpha', alpha)
  checkProbability('power', power)
  checkPositive('power - alpha', power - alpha)
  if (difference !== undefined) checkPositive('difference', difference)
  if (margin !== undefined) checkPositive('margin', margin)
  checkNotNegative('unseen', unseen)
  if (seeds !== undefined) {
    checkWhole('seeds.nSeeds', seeds.nSeeds, 1)
    checkPositive('seeds.sdOfDifferences', seeds.sdOfDifferences)
  }
  const sd = sdOfPlannedDifferences(variance, nAnswers)
  const inflation = pilotInflation(variance)
  const setting = { seeds, alpha, nTests, power, difference, margin, unseen, nPairs }
  const atEstimate = numbersAt(sd, nQuestions, setting)
  return {
    atEstimate,
    atUpperLimit:
      inflation === 1
        ? absent('the variance is not a pilot estimate: it has no upper limit')
        : numbersAt(sd * inflation, nQuestions, setting),
    degreesOfFreedom: nQuestions < 2 ? tooFew(nQuestions) : degreesOf(nQuestions, seeds),
    alpha,
    nTests,
    power,
    signFlip: correctionFloor({
      smallestAttainableP: Math.min(1, 2 ** (1 - nQuestions)),
      familySize: nTests,
      alpha,
      method: correction,
    }),
    sources: [variance.source, ...(seeds === undefined ? [] : [`seeds: ${seeds.source}`])],
    warnings: warningsFor(atEstimate, setting),
  }
}

interface Setting {
  readonly seeds: SeedVariance | undefined
  readonly alpha: number
  readonly nTests: number
  readonly power: number
  readonly difference: number | undefined
  readonly margin: number | undefined
  readonly unseen: number
  readonly nPairs: number
}

const tooFew = (nQuestions: number) =>
  absent(`t needs at least 2 questions, there are ${nQuestions}`)

const degreesOf = (nQuestions: number, seeds: SeedVariance | undefined) =>
  (seeds === undefined || seeds.nSeeds === 1 ? nQuestions : Math.min(nQuestions, seeds.nSeeds)) - 1

const errorOf = (sd: number, nQuestions: number, seeds: SeedVariance | undefined) =>
  Math.sqrt(
    sd ** 2 / nQuestions + (seeds === undefined ? 0 : seeds.sdOfDifferences ** 2 / seeds.nSeeds),
  )

function numbersAt(sd: number, nQuestions: number, setting: Setting): PlanNumbers | Absent {
  const { seeds, alpha, nTests, power, difference, margin, unseen, nPairs } = setting
  if (nQuestions < 2) return tooFew(nQuestions)
  if (sd === 0) return absent('the variance is 0: nothing to plan with')
  const standardError = errorOf(sd, nQuestions, seeds)
  const degreesOfFreedom = degreesOf(nQuestions, seeds)
  const powerToFind = (effect: number) => (n: number) =>
    powerOfT(effect / errorOf(sd, n, seeds), degreesOf(n, seeds), alpha / nTests)
  const powerOfAllPairs = (width: number) => (n: number) => {
    const one = equivalencePower({
      margin: width,
      difference: 0,
      standardError: errorOf(sd, n, seeds),
      degreesOfFreedom: degreesOf(n, seeds),
      alpha,
      unseen,
    })
    return Math.max(0, 1 - nPairs * (1 - one))
  }
  return {
    sdOfDifferences: sd,
    standardError,
    minimumDetectableDifference:
      noncentralityFor(power, degreesOfFreedom, alpha / nTests) * standardError,
    equivalencePower:
      margin === undefined ? absent('no margin given') : powerOfAllPairs(margin)(nQuestions),
    questionsNeeded:
      difference === undefined
        ? absent('no difference given')
        : smallestWith(power, powerToFind(difference)),
    questionsForEquivalence:
      margin === undefined
        ? absent('no margin given')
        : smallestWith(power, powerOfAllPairs(margin)),
  }
}

/** The smallest number of questions whose power reaches the target; the power grows with it. */
function smallestWith(target: number, powerAt: (nQuestions: number) => number): number | Absent {
  if (powerAt(mostQuestions) < target)
    return absent(`not even ${mostQuestions} questions reach power ${target}`)
  let [low, high] = [1, 2]
  while (powerAt(high) < target) [low, high] = [high, Math.min(mostQuestions, 2 * high)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (powerAt(middle) < target) low = middle
    else high = middle
  }
  return high
}

function warningsFor(plan: PlanNumbers | Absent, { seeds }: Setting): string[] {
  const warnings: string[] = []
  if (seeds === undefined || seeds.nSeeds === 1)
    warnings.push('one training seed: the result will be about these checkpoints only')
  else if (seeds.nSeeds < 5)
    warnings.push(
      `${seeds.nSeeds} training seeds leave ${seeds.nSeeds - 1} degrees of freedom: crossedDifference finds little below 5`,
    )
  if (!isAbsent(plan) && plan.minimumDetectableDifference > 1)
    warnings.push(
      'the smallest detectable difference is above 1: no difference of rates can be found with this plan',
    )
  return warnings
}
