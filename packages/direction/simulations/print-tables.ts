/** Prints the tables of the README: `node simulations/print-tables.ts [replicates]`. With 4000 it takes about 4 minutes. */
import {
  measureBootstrap,
  measureCrossedDifference,
  measurePairedDifference,
  measureRate,
} from './measure.ts'

const nReplicates = Number(process.argv[2] ?? 4000)
const seed = 1
const percent = (share: number) => (100 * share).toFixed(1)
const print = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

print('questions', 'true rate', 'ICC', '`rate`', 'no prior', 'naive', 'mean width', 'warned')
for (const nQuestions of [8, 30])
  for (const trueRate of [0.02, 0.05, 0.1, 0.2, 0.4])
    for (const icc of [0.1, 0.3, 0.5]) {
      const it = measureRate({ trueRate, nQuestions, icc, nReplicates, seed })
      print(
        nQuestions,
        trueRate,
        icc,
        percent(it.covered),
        percent(it.coveredWithoutPrior),
        percent(it.coveredNaively),
        percent(it.meanWidth),
        percent(it.warned),
      )
    }

print('questions', 'true rate', 'ICC', 't', 'sign-flip', 'no t')
for (const nQuestions of [8, 30])
  for (const trueRate of [0.02, 0.1, 0.4])
    for (const icc of [0.1, 0.3, 0.5]) {
      const it = measurePairedDifference({ trueRate, nQuestions, icc, nReplicates, seed })
      print(
        nQuestions,
        trueRate,
        icc,
        percent(it.byT),
        percent(it.bySignFlip),
        percent(it.withoutT),
      )
    }

print('questions', 'seeds', 'seed spread', 'crossedDifference', 'pairedDifference')
for (const nQuestions of [8, 30])
  for (const nSeeds of [2, 3, 5])
    for (const seedSpread of [0, 0.3, 1]) {
      const setting = { trueRate: 0.2, nQuestions, icc: 0.3, nSeeds, seedSpread }
      const it = measureCrossedDifference({ ...setting, nReplicates, seed })
      print(nQuestions, nSeeds, seedSpread, percent(it.crossed), percent(it.questionsOnly))
    }

print('questions', 'true rate', 'ICC', 'clusterBootstrap')
for (const nQuestions of [8, 30])
  for (const trueRate of [0.1, 0.4])
    for (const icc of [0.1, 0.3, 0.5]) {
      const setting = { trueRate, nQuestions, icc, seed }
      const covered = measureBootstrap({ ...setting, nReplicates: Math.ceil(nReplicates / 4) })
      print(nQuestions, trueRate, icc, percent(covered))
    }
