/**
 * Writes src/statistics/coverage-table.ts from the results of `simulate.ts`: what `rate` and `pairedDifference` say about
 * their own intervals.
 */
import { writeFileSync } from 'node:fs'
import { readResults } from './results.ts'

const rate = readResults('rate').map(({ nQuestions, trueRate, icc, covered }) => ({
  nQuestions,
  trueRate,
  icc,
  covered,
}))
const difference = readResults('difference').map(({ nQuestions, rateA, rateB, icc, covered }) => ({
  nQuestions,
  rateA,
  rateB,
  icc,
  covered,
}))
const powered = readResults('powered').map(({ nQuestions, trueRate, nLabelled, icc, covered }) => ({
  nQuestions,
  trueRate,
  nLabelled,
  icc,
  covered,
}))
const matched = readResults('matched').map(
  ({ nQuestions, nInDomainQuestions, trueRate, icc, covered }) => ({
    nQuestions,
    nInDomainQuestions,
    trueRate,
    icc,
    covered,
  }),
)
const linesOf = (rows: readonly object[]) =>
  rows.map((row) => `  ${JSON.stringify(row).replaceAll('"', '')},`).join('\n')

writeFileSync(
  new URL('../src/statistics/coverage-table.ts', import.meta.url),
  `// Written by simulations/write-coverage-table.ts; 4000 replicates each, docs/statistics.md says how.

/** Share of \`rate\`'s intervals at nominal 95 % that held the true rate. */
export const coverageOfRate: readonly RateCoverageRow[] = [
${linesOf(rate)}
]

/** Share of \`pairedDifference\`'s intervals at nominal 95 % that held the true difference. */
export const coverageOfDifference: readonly DifferenceCoverageRow[] = [
${linesOf(difference)}
]

/** Share of \`predictionPoweredRate\`'s intervals at nominal 95 % that held the true rate. */
export const coverageOfPowered: readonly PoweredCoverageRow[] = [
${linesOf(powered)}
]

/** Share of \`matchedRateInterval\`'s intervals at nominal 95 % that held the true rate. */
export const coverageOfMatched: readonly MatchedCoverageRow[] = [
${linesOf(matched)}
]

export interface MatchedCoverageRow extends RateCoverageRow {
  readonly nInDomainQuestions: number
}

export interface RateCoverageRow {
  readonly nQuestions: number
  readonly trueRate: number
  readonly icc: number
  readonly covered: number
}

export interface PoweredCoverageRow extends RateCoverageRow {
  /** Labelled answers of the 50 to a question. */
  readonly nLabelled: number
}

export interface DifferenceCoverageRow {
  readonly nQuestions: number
  readonly rateA: number
  readonly rateB: number
  readonly icc: number
  readonly covered: number
}
`,
)
