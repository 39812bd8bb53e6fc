import { CemError } from '@cem/core'
import type { Absent } from '../absent.ts'
import { checkProbability } from '../options.ts'

/** One test of a declared family. */
export interface NamedTest {
  readonly name: string
  /** Its p-value, or why there is none. */
  readonly p: number | Absent
}

export interface FamilyOptions {
  /** The false discovery rate (Benjamini-Hochberg) or familywise error rate (Holm) to hold. @default 0.05 */
  readonly alpha?: number
}

export interface AdjustedTest extends NamedTest {
  /** The smallest alpha at which this test would be rejected. */
  readonly adjusted: number | Absent
  readonly isRejected: boolean
}

export interface AdjustedFamily {
  /** In the order given. */
  readonly tests: readonly AdjustedTest[]
  /** All declared tests, those without a p-value too. */
  readonly familySize: number
  readonly alpha: number
  readonly method: 'Benjamini-Hochberg' | 'Holm'
}

interface Ranked {
  readonly index: number
  readonly p: number
}

/**
 * Adjusts the p-values of a family. A test without a p-value counts in the family's size, as if its p were 1, so that a
 * comparison that could not be computed does not make the others look better.
 *
 * @param adjust adjusted p-values (before the cut at 1) of p-values in ascending order, for a family of this size
 */
export function adjustFamily(
  tests: readonly NamedTest[],
  alpha: number,
  method: AdjustedFamily['method'],
  adjust: (ascending: readonly number[], familySize: number) => readonly number[],
): AdjustedFamily {
  checkProbability('alpha', alpha)
  checkTests(tests)
  const ranked = tests
    .flatMap(({ p }, index): Ranked[] => (typeof p === 'number' ? [{ index, p }] : []))
    .toSorted((a, b) => a.p - b.p)
  const adjustedInOrder = adjust(
    ranked.map(({ p }) => p),
    tests.length,
  )
  const adjusted = new Map(
    ranked.map(({ index }, rank) => [index, Math.min(1, adjustedInOrder[rank] ?? 1)]),
  )
  return {
    tests: tests.map(({ name, p }, index) => {
      const value = adjusted.get(index)
      if (typeof p !== 'number' || value === undefined)
        return { name, p, adjusted: p, isRejected: false }
      return { name, p, adjusted: value, isRejected: value <= alpha }
    }),
    familySize: tests.length,
    alpha,
    method,
  }
}

function checkTests(tests: readonly NamedTest[]): void {
  const names = new Set<string>()
  for (const { name, p } of tests) {
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
