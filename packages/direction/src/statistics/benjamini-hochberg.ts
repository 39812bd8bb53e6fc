import { type AdjustedFamily, adjustFamily, type FamilyOptions, type NamedTest } from './family.ts'

/**
 * Benjamini and Hochberg's step-up procedure over a declared family: holds the false discovery rate at alpha for independent or
 * positively dependent tests (JRSS B 57, 1995). Adjusted p of rank i of m: the minimum over j >= i of p_j m / j.
 *
 * @throws CemError `bad-p-value`, `duplicate-test`, `bad-option`
 */
export function benjaminiHochberg(
  tests: readonly NamedTest[],
  { alpha = 0.05 }: FamilyOptions = {},
): AdjustedFamily {
  return adjustFamily(tests, alpha, 'Benjamini-Hochberg', (ascending, familySize) => {
    let smallest = 1
    return ascending
      .map((p, rank) => (p * familySize) / (rank + 1))
      .toReversed()
      .map((candidate) => (smallest = Math.min(smallest, candidate)))
      .toReversed()
  })
}
