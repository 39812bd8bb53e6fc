/**
 * Runs the simulations and records them: `node simulations/simulate.ts [section ...] [replicates]`. Without arguments all
 * sections with 4000 replicates, about half an hour on one core; sections can run beside each other. Then
 * `write-coverage-table.ts` writes what the code reads of it, and `write-docs.ts` the tables of docs/statistics.md.
 */
import {
  measureBootstrap,
  measureCrossedDifference,
  measurePairedDifference,
  measureRate,
} from './measure.ts'
import { measureAgreement } from './measure-agreement.ts'
import { measureDifference } from './measure-difference.ts'
import { measureMatched } from './measure-matched.ts'
import { measurePowered } from './measure-powered.ts'
import { writeResults } from './results.ts'

const seed = 1
const questionCounts = [8, 30]
const iccs = [0.1, 0.3, 0.5]

type Section = (nReplicates: number) => object[]

/** Every combination of question count, ICC and what a section adds. */
const over = <Given extends object>(
  given: readonly Given[],
  measure: (setting: Given & { nQuestions: number; icc: number }) => object,
) =>
  questionCounts.flatMap((nQuestions) =>
    given.flatMap((one) =>
      iccs.map((icc) => ({ nQuestions, ...one, icc, ...measure({ ...one, nQuestions, icc }) })),
    ),
  )

const ofRates = (...rates: readonly number[]) => rates.map((trueRate) => ({ trueRate }))

const sections: Readonly<Record<string, Section>> = {
  rate: (nReplicates) =>
    over(ofRates(0.02, 0.05, 0.1, 0.2, 0.4), (it) => measureRate({ ...it, nReplicates, seed })),
  paired: (nReplicates) =>
    over(ofRates(0.02, 0.05, 0.1, 0.2, 0.4), (it) =>
      measurePairedDifference({ ...it, nReplicates, seed }),
    ),
  difference: (nReplicates) =>
    over(
      [
        { rateA: 0.02, rateB: 0.1 },
        { rateA: 0.05, rateB: 0.2 },
        { rateA: 0.1, rateB: 0.4 },
        { rateA: 0.3, rateB: 0.65 },
        { rateA: 0.4, rateB: 0.6 },
      ],
      (it) => measureDifference({ ...it, nReplicates, seed }),
    ),
  crossed: (nReplicates) =>
    questionCounts.flatMap((nQuestions) =>
      [2, 3, 5].flatMap((nSeeds) =>
        [0, 0.3, 1].map((seedSpread) => {
          const setting = { nQuestions, nSeeds, seedSpread }
          return {
            ...setting,
            ...measureCrossedDifference({ ...setting, trueRate: 0.2, icc: 0.3, nReplicates, seed }),
          }
        }),
      ),
    ),
  bootstrap: (nReplicates) =>
    over(ofRates(0.1, 0.4), (it) => ({
      covered: measureBootstrap({ ...it, nReplicates: Math.ceil(nReplicates / 4), seed }),
    })),
  matched: (nReplicates) =>
    over(
      [0.05, 0.2, 0.5].flatMap((trueRate) =>
        [4, 8, 30].map((nInDomainQuestions) => ({ trueRate, nInDomainQuestions })),
      ),
      (it) => measureMatched({ ...it, nReplicates, seed }),
    ),
  powered: (nReplicates) =>
    over(
      [0.1, 0.2, 0.4].flatMap((trueRate) => [5, 10].map((nLabelled) => ({ trueRate, nLabelled }))),
      (it) => measurePowered({ ...it, nReplicates, seed }),
    ),
  agreement: (nReplicates) =>
    over([{}], (it) => {
      const found = measureAgreement({ ...it, nReplicates, seed })
      return {
        spearman: found.spearman.covered,
        kappa: found.kappa.covered,
        alpha: found.alpha.covered,
        removed: found.removed.covered,
        withoutKappa: found.kappa.withoutInterval,
        withoutRemoved: found.removed.withoutInterval,
      }
    }),
}

const names = process.argv.slice(2).filter((word) => word in sections)
const numbers = process.argv.slice(2).filter((word) => !(word in sections))
const nReplicates = Number(numbers[0] ?? 4000)
if (numbers.length > 1 || !Number.isSafeInteger(nReplicates) || nReplicates < 1)
  throw new Error(`usage: simulate.ts [${Object.keys(sections).join(' | ')}] [replicates]`)
for (const name of names.length > 0 ? names : Object.keys(sections)) {
  const run = sections[name]
  if (run === undefined) continue
  const started = performance.now()
  writeResults(name, run(nReplicates))
  console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
}
