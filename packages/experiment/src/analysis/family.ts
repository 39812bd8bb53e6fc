import {
  type AdjustedFamily,
  type AdjustedTest,
  benjaminiHochberg,
  correctionFloor,
  holm,
  isAbsent,
  type NamedTest,
} from '@cem/direction'
import type { Comparison } from './comparisons.ts'

/** One declared test after correction for all of them. */
export interface FamilyTest {
  readonly name: string
  /** Of t, two-sided; null with the reason in `absent`. */
  readonly p: number | null
  /** Why the test has no p; it counts in the size of the family all the same. */
  readonly absent: string | null
  readonly holm: number | null
  readonly benjaminiHochberg: number | null
  readonly isRejectedByHolm: boolean
  readonly isRejectedByBenjaminiHochberg: boolean
  /** The sign-flip test beside it; null where there is none. */
  readonly signFlip: {
    readonly p: number
    readonly smallest: number
    readonly holm: number
    readonly isRejectedByHolm: boolean
  } | null
}

export interface Family {
  /** Whether the config declares it; else it is the default one. */
  readonly isDeclared: boolean
  /** Familywise error rate (Holm) and false discovery rate (Benjamini-Hochberg). */
  readonly alpha: number
  readonly tests: readonly FamilyTest[]
  /** What the smallest sign-flip p leaves possible; null where no test has one. */
  readonly signFlipFloor: {
    /** The fewest of a test. */
    readonly nQuestions: number
    /** The largest of the tests' smallest p: questions without a difference cannot lower it. */
    readonly smallestP: number
    /** Tests that no data could have made significant. */
    readonly impossible: readonly string[]
    /** All of them. */
    readonly isImpossible: boolean
    readonly sentence: string
  } | null
}

/**
 * Corrects the tests of the family together, by Holm and by Benjamini and Hochberg. A comparison that is no evidence, or that could
 * not be made, has no p and counts in the size: leaving it out would make the others look better.
 */
export function correctFamily(
  comparisons: readonly Comparison[],
  { isDeclared, alpha }: Pick<Family, 'isDeclared' | 'alpha'>,
): Family {
  const own = comparisons.filter((comparison) => comparison.inFamily)
  const byT = own.map(
    ({ name, p, absentP, notComparable }): NamedTest => ({
      name,
      p: notComparable === null && p !== null ? p : { absent: notComparable ?? absentP ?? 'no p' },
    }),
  )
  const bySigns = own.map(
    ({ name, signFlipP, smallestSignFlipP, absentSignFlip, notComparable }): NamedTest =>
      notComparable === null && signFlipP !== null && smallestSignFlipP !== null
        ? { name, p: signFlipP, smallestAttainableP: smallestSignFlipP }
        : { name, p: { absent: notComparable ?? absentSignFlip ?? 'no p' } },
  )
  const [holmT, discoveries, holmSigns] = [
    holm(byT, { alpha }),
    benjaminiHochberg(byT, { alpha }),
    holm(bySigns, { alpha }),
  ]
  return {
    isDeclared,
    alpha,
    tests: holmT.tests.map((test, i) =>
      familyTest(test, testAt(discoveries, i), testAt(holmSigns, i)),
    ),
    signFlipFloor: floorOf(own, holmSigns, alpha),
  }
}

const testAt = ({ tests }: AdjustedFamily, i: number) => tests[i] as AdjustedTest

function familyTest(t: AdjustedTest, discovery: AdjustedTest, signs: AdjustedTest): FamilyTest {
  const numberOf = (value: AdjustedTest['adjusted']) => (isAbsent(value) ? null : value)
  return {
    name: t.name,
    p: numberOf(t.p),
    absent: isAbsent(t.p) ? t.p.absent : null,
    holm: numberOf(t.adjusted),
    benjaminiHochberg: numberOf(discovery.adjusted),
    isRejectedByHolm: t.isRejected,
    isRejectedByBenjaminiHochberg: discovery.isRejected,
    signFlip:
      isAbsent(signs.p) || isAbsent(signs.adjusted)
        ? null
        : {
            p: signs.p,
            smallest: signs.smallestAttainableP ?? 0,
            holm: signs.adjusted,
            isRejectedByHolm: signs.isRejected,
          },
  }
}

/**
 * Which tests no data could have made significant by their signs: those whose corrected p is too large even if every test of the
 * family were at its smallest p.
 */
function floorOf(
  own: readonly Comparison[],
  { tests, warnings }: AdjustedFamily,
  alpha: number,
): Family['signFlipFloor'] {
  const withP = tests.flatMap((test, i) =>
    isAbsent(test.p) ? [] : [{ test, nQuestions: own[i]?.nQuestions ?? 0 }],
  )
  if (withP.length === 0) return null
  const smallestP = Math.max(...withP.map(({ test }) => test.smallestAttainableP ?? 0))
  const nQuestions = Math.min(...withP.map((one) => one.nQuestions))
  const impossible = withP.filter(({ test }) => test.smallestAdjusted > alpha)
  const names = impossible.map(({ test }) => test.name)
  const base = {
    nQuestions,
    smallestP,
    impossible: names,
    isImpossible: names.length === withP.length,
  }
  if (names.length === 0)
    return {
      ...base,
      sentence: `Sign-flip tests over ${nQuestions} questions or more: Holm over ${tests.length} tests leaves significance at ${alpha} possible for each.`,
    }
  if (!base.isImpossible) return { ...base, sentence: `Sign-flip tests: ${warnings.join('; ')}.` }
  const { sentence } = correctionFloor({
    smallestAttainableP: Math.min(...withP.map(({ test }) => test.smallestAttainableP ?? 0)),
    familySize: tests.length,
    alpha,
    method: 'Holm',
  })
  return {
    ...base,
    sentence: `Sign-flip tests over ${nQuestions} questions: ${sentence[0]?.toLowerCase()}${sentence.slice(1)}`,
  }
}
