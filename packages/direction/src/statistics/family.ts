import { CemError } from '@cem/core'
import type { Absent } from '../absent.ts'
import { checkProbability } from '../options.ts'

/** One test of a declared family. */
export interface NamedTest {
  readonly name: string
  /** Its p-value, or why there is none. */
  readonly p: number | Absent
  /** The smallest p that the test can give at all, as a sign-flip test has one: 2 / 256 over 8 questions. */
  readonly smallestAttainableP?: number
}

export interface FamilyOptions {
  /** The false discovery rate (Benjamini-Hochberg) or familywise error rate (Holm) to hold. @default 0.05 */
  readonly alpha?: number
}

export interface AdjustedTest extends NamedTest {
  /** The smallest alpha at which this test would be rejected. */
  readonly adjusted: number | Absent
  /** The smallest `adjusted` that this test could have had, were every test of the family at its smallest p. */
  readonly smallestAdjusted: number
  readonly isRejected: boolean
}

export interface AdjustedFamily {
  /** In the order given. */
  readonly tests: readonly AdjustedTest[]
  /** All declared tests, those without a p-value too. */
  readonly familySize: number
  readonly alpha: number
  readonly method: 'Benjamini-Hochberg' | 'Holm'
  /** Which tests could not have been rejected whatever the data; empty where there is none. */
  readonly warnings: readonly string[]
}

/** Adjusted p-values (before the cut at 1) of p-values in ascending order, for a family of this size. */
type Adjust = (ascending: readonly number[], familySize: number) => readonly number[]

/**
 * Adjusts the p-values of a family. A test without a p-value counts in the family's size, as if its p were 1, so that a
 * comparison that could not be computed does not make the others look better.
 */
export function adjustFamily(
  tests: readonly NamedTest[],
  alpha: number,
  method: AdjustedFamily['method'],
  adjust: Adjust,
): AdjustedFamily {
  checkProbability('alpha', alpha)
  checkTests(tests)
  const adjusted = adjustedByIndex(
    tests.map(({ p }) => p),
    adjust,
  )
  // An adjusted p grows with every p of the family, so all tests at their smallest p give the smallest adjusted ones.
  const smallest = adjustedByIndex(
    tests.map(({ p, smallestAttainableP = 0 }) =>
      typeof p === 'number' ? smallestAttainableP : p,
    ),
    adjust,
  )
  const adjustedTests = tests.map((test, index): AdjustedTest => {
    const value = adjusted.get(index)
    return {
      ...test,
      adjusted: value ?? test.p,
      smallestAdjusted: smallest.get(index) ?? 1,
      isRejected: value !== undefined && value <= alpha,
    }
  })
  return {
    tests: adjustedTests,
    familySize: tests.length,
    alpha,
    method,
    warnings: warningsFor(adjustedTests, alpha, method),
  }
}

/** By index of the test; nothing for a test without a p-value. */
function adjustedByIndex(
  values: readonly (number | Absent)[],
  adjust: Adjust,
): ReadonlyMap<number, number> {
  const ranked = values
    .flatMap((p, index) => (typeof p === 'number' ? [{ index, p }] : []))
    .toSorted((a, b) => a.p - b.p)
  const inOrder = adjust(
    ranked.map(({ p }) => p),
    values.length,
  )
  return new Map(ranked.map(({ index }, rank) => [index, Math.min(1, inOrder[rank] ?? 1)]))
}

function warningsFor(
  tests: readonly AdjustedTest[],
  alpha: number,
  method: AdjustedFamily['method'],
): string[] {
  const impossible = tests.filter(
    ({ p, smallestAdjusted }) => typeof p === 'number' && smallestAdjusted > alpha,
  )
  if (impossible.length === 0) return []
  const names = impossible.map(({ name }) => name).join(', ')
  const best = Math.min(...impossible.map(({ smallestAdjusted }) => smallestAdjusted))
  return [
    `${method} over ${tests.length} tests makes significance at ${alpha} impossible for ${names}: the smallest adjusted p that their data could give is ${best.toFixed(3)}. Ask more questions or declare fewer tests`,
  ]
}

function checkTests(tests: readonly NamedTest[]): void {
  const names = new Set<string>()
  for (const { name, p, smallestAttainableP = 0 } of tests) {
    if (!(smallestAttainableP >= 0 && smallestAttainableP <= 1))
      throw new CemError({
        code: 'bad-p-value',
        message: `Test ${JSON.stringify(name)} has smallestAttainableP ${smallestAttainableP}; a p-value lies between 0 and 1.`,
        data: { name, smallestAttainableP },
      })
    if (typeof p === 'number' && !(p >= 0 && p <= 1))
      throw new CemError({
        code: 'bad-p-value',
        message: `Test ${JSON.stringify(name)} has p ${p}; a p-value lies between 0 and 1. Where there is none, give { absent: reason }.`,
        data: { name, p },
      })
    if (names.has(name))
      throw new CemError({
        code: 'duplicate-test',
        message: `Test ${JSON.stringify(name)} is in the family twice; give every test its own name.`,
        data: { name },
      })
    names.add(name)
  }
}
