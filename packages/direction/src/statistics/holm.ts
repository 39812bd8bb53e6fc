import { type AdjustedFamily, adjustFamily, type FamilyOptions, type NamedTest } from './family.ts'

/**
 * Holm's step-down procedure over a declared family: holds the familywise error rate at alpha, whatever the dependence
 * (Scandinavian Journal of Statistics 6, 1979). Adjusted p of rank i of m: the maximum over j <= i of p_j (m - j + 1).
 *
 * @throws CemError `bad-p-value`, `duplicate-test`, `bad-option`
 */
export function holm(
  tests: readonly NamedTest[],
  { alpha = 0.05 }: FamilyOptions = {},
): AdjustedFamily {
  return adjustFamily(tests, alpha, 'Holm', (ascending, familySize) => {
    let largest = 0
    return ascending.map((p, rank) => (largest = Math.max(largest, p * (familySize - rank))))
  })
}
