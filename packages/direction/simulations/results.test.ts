import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  coverageOfDifference,
  coverageOfMatched,
  coverageOfPowered,
  coverageOfRate,
} from '../src/statistics/coverage-table.ts'
import { readResults } from './results.ts'
import { documentWithTables } from './tables.ts'

/** Every default test that answers 'is there a difference' or 'are they equivalent', as recorded. */
const falsePositives = [
  ['the paired t test', 'paired', 'byT'],
  ['the sign-flip test', 'paired', 'bySignFlip'],
  ['the crossed test', 'crossed', 'crossed'],
  ['the equivalence tests at the margin', 'difference', 'falselyEquivalent'],
  ['the prediction-powered contrast', 'powered', 'falsePositives'],
] as const

test.each(falsePositives)(
  '%s errs at most 7 %% of the time at nominal 5 %% in every recorded setting',
  (_, section, key) => {
    const shares = readResults(section).map((result) => result[key])
    expect(shares.length).toBeGreaterThanOrEqual(18)
    for (const share of shares) expect(share).toBeLessThanOrEqual(0.07)
  },
)

test.each([
  ['rate', coverageOfRate],
  ['difference', coverageOfDifference],
  ['powered', coverageOfPowered],
  ['matched', coverageOfMatched],
] as const)('what the code says of the intervals of %s is what was recorded', (section, table) => {
  const results = readResults(section)
  expect(table).toHaveLength(results.length)
  for (const [index, row] of table.entries()) expect(results[index]).toMatchObject(row)
})

test('the tables of docs/statistics.md are what was recorded', () => {
  const text = readFileSync(new URL('../../../docs/statistics.md', import.meta.url), 'utf8')
  expect(documentWithTables(text)).toBe(text)
})
