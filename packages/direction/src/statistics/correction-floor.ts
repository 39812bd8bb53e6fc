import { checkProbability, checkWhole } from '../options.ts'
import type { AdjustedFamily } from './family.ts'

export interface CorrectionFloorOptions {
  /** The smallest p that one test can give; 2^(1 - G) for an exact sign-flip test over G questions. */
  readonly smallestAttainableP: number
  /** Tests of the family, each with that smallest p. */
  readonly familySize: number
  /** @default 0.05 */
  readonly alpha?: number
  /** @default 'Holm' */
  readonly method?: AdjustedFamily['method']
}

export interface CorrectionFloor {
  /** No test of the family can be significant, whatever the data. */
  readonly isImpossible: boolean
  /** How many tests have to be at their smallest p together for any to be significant; null where no number is enough. */
  readonly nTogether: number | null
  /** The largest family in which a test can be significant on its own. */
  readonly largestFamily: number
  /** The above as a sentence for a reader. */
  readonly sentence: string
}

/**
 * What a correction for many tests leaves possible where p-values have a floor. On its own a test needs familySize x floor <=
 * alpha, by Holm's and by Benjamini and Hochberg's procedure. By Holm's nothing helps beyond that; by the other, k tests at the
 * floor together need only familySize x floor / k <= alpha.
 *
 * @throws CemError `bad-option`
 */
export function correctionFloor({
  smallestAttainableP: floor,
  familySize,
  alpha = 0.05,
  method = 'Holm',
}: CorrectionFloorOptions): CorrectionFloor {
  checkProbability('alpha', alpha)
  checkWhole('familySize', familySize, 1)
  if (floor !== 1) checkProbability('smallestAttainableP', floor)
  // A product that rounding lifts a hair above alpha is alpha.
  const slack = 1 + 1e-12
  const largestFamily = Math.floor((alpha / floor) * slack)
  const needed = Math.max(1, Math.ceil((familySize * floor) / alpha / slack))
  const isEnough = method === 'Holm' ? needed === 1 : needed <= familySize
  const nTogether = isEnough ? needed : null
  return {
    isImpossible: nTogether === null,
    nTogether,
    largestFamily,
    sentence: sentenceOf({ floor, familySize, alpha, method, nTogether, largestFamily }),
  }
}

function sentenceOf({
  floor,
  familySize,
  alpha,
  method,
  nTogether,
  largestFamily,
}: Required<Pick<CorrectionFloorOptions, 'familySize' | 'alpha' | 'method'>> &
  Pick<CorrectionFloor, 'nTogether' | 'largestFamily'> & { readonly floor: number }): string {
  const given = `The smallest p that these questions can give is ${floor.toPrecision(2)}; ${method} over ${familySize} ${familySize === 1 ? 'test' : 'tests'}`
  const most =
    largestFamily === 0 ? 'ask more questions' : `at most ${largestFamily} can be declared`
  if (nTogether === null) return `${given} makes significance at ${alpha} impossible: ${most}.`
  if (nTogether === 1) return `${given} leaves significance at ${alpha} possible for each.`
  return `${given} leaves significance at ${alpha} possible only where ${nTogether} of them reach it together.`
}
