import {
  type Absent,
  crossedDifference,
  type Interval,
  isAbsent,
  pairedDifference,
  studentQuantile,
  studentTwoSidedP,
} from '@cem/direction'
import { alphaOf } from './alpha.ts'
import type { ConditionRows } from './condition-rows.ts'

/** A difference at a matched in-domain rate, with the error of both question sets. */
export interface MatchedTest {
  readonly estimate: number | Absent
  readonly standardError: number | Absent
  readonly degreesOfFreedom: number | Absent
  readonly t: number | Absent
  readonly p: number | Absent
  readonly interval: Interval | Absent
  /** Questions of the EM rate with scored rows on both sides. */
  readonly nQuestions: number
}

export interface MatchedTestOptions {
  readonly level: number
  /** The in-domain questions of the two sides. */
  readonly inDomainQuestions: readonly string[]
  readonly hasSeveralSeeds: boolean
}

/** Both sides at the matched rate, from all in-domain questions or from all but one. */
export type MatchedSides = (without?: string) => readonly [ConditionRows, ConditionRows] | Absent

/**
 * Tests a difference in EM at a matched in-domain rate. Where the rate is reached is itself estimated from a sample of questions:
 * taking it as known rejects a true null 5 to 21 % of the time (golden/matched_rate.py). So the variance has two parts,
 * V = V_EM + V_in: over the EM questions with the crossings as they are (paired, or crossed with seeds), and the delete-one
 * jackknife over the in-domain questions, each left out of both sides at once. t = difference / sqrt(V), with Satterthwaite's
 * degrees of freedom V^2 / (V_EM^2 / df_EM + V_in^2 / (H - 1)) for H in-domain questions (Biometrics Bulletin 2, 1946).
 */
export function matchedTest(
  sides: MatchedSides,
  { level, inDomainQuestions, hasSeveralSeeds }: MatchedTestOptions,
): MatchedTest {
  const differenceOf = (pair: readonly [ConditionRows, ConditionRows]) =>
    hasSeveralSeeds
      ? crossedDifference(pair[0].rows, pair[1].rows, { level })
      : pairedDifference(pair[0].rows, pair[1].rows, { level, nRandomPatterns: 99 })
  const whole = sides()
  if (isAbsent(whole)) return without(whole, whole, 0)
  const {
    estimate,
    standardError: errorOfEm,
    degreesOfFreedom: df,
    nQuestions,
  } = differenceOf(whole)
  if (isAbsent(estimate)) return without(estimate, estimate, nQuestions)
  if (isAbsent(errorOfEm)) return without(estimate, errorOfEm, nQuestions)
  if (isAbsent(df)) return without(estimate, df, nQuestions)
  const nInDomain = inDomainQuestions.length
  if (nInDomain < 2)
    return without(
      estimate,
      { absent: 'one in-domain question: nothing shows how far the matched rate may be off' },
      nQuestions,
    )
  const leftOut: number[] = []
  for (const question of inDomainQuestions) {
    const rest = sides(question)
    const value = isAbsent(rest) ? rest : differenceOf(rest).estimate
    if (isAbsent(value))
      return without(
        estimate,
        {
          absent: `without the in-domain question ${question} there is no crossing (${value.absent})`,
        },
        nQuestions,
      )
    leftOut.push(value)
  }
  const mean = leftOut.reduce((sum, value) => sum + value, 0) / nInDomain
  const squares = leftOut.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const ofInDomain = ((nInDomain - 1) / nInDomain) * squares
  const ofEm = errorOfEm ** 2
  const variance = ofEm + ofInDomain
  if (variance === 0)
    return without(
      estimate,
      { absent: 'all per-question differences are equal: no variance to estimate' },
      nQuestions,
    )
  const degreesOfFreedom = variance ** 2 / (ofEm ** 2 / df + ofInDomain ** 2 / (nInDomain - 1))
  const standardError = Math.sqrt(variance)
  const half = studentQuantile(1 - alphaOf({ level }) / 2, degreesOfFreedom) * standardError
  const t = estimate / standardError
  return {
    estimate,
    standardError,
    degreesOfFreedom,
    t,
    p: studentTwoSidedP(t, degreesOfFreedom),
    interval: {
      low: estimate - half,
      high: estimate + half,
      level,
      method: `t(${degreesOfFreedom.toFixed(1)}) over EM and in-domain questions`,
    },
    nQuestions,
  }
}

function without(estimate: number | Absent, why: Absent, nQuestions: number): MatchedTest {
  return {
    estimate,
    standardError: why,
    degreesOfFreedom: why,
    t: why,
    p: why,
    interval: why,
    nQuestions,
  }
}
