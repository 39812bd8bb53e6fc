import type { Verdict } from '@cem/judge'
import { verdictProblem } from '../judging/verdict-problem.ts'
import { runRows } from '../labels/run-rows.ts'
import { csvPath } from '../run/judge-cell.ts'
import { readLock } from '../store/lock.ts'
import { RunStore, readFolder } from '../store/run-store.ts'
import { readJudged, verdictScore, verdictsFolder } from '../store/verdicts.ts'
import { readEvalCsv } from '../study/eval-csv.ts'

export interface ScoreCheck {
  /** Verdicts that were computed anew; 0 in imported runs, which have no ledger. */
  readonly nChecked: number
  readonly problems: readonly string[]
}

/** Holds judged scores and CSVs against the ledger of verdicts, and the ledger against its own raw log probabilities. */
export async function checkScores(resultsFolder: string, run: string): Promise<ScoreCheck> {
  const store = new RunStore(resultsFolder, run)
  const lock = await readLock(store)
  const problems: string[] = []
  const note = (problem: string) => {
    if (problems.length < 20) problems.push(problem)
  }
  const ledger = new Map(
    (await readFolder<Verdict>(verdictsFolder(store))).map((verdict) => [verdict.key, verdict]),
  )
  let nChecked = 0
  for (const { cell } of Object.values(lock?.cells ?? {})) {
    const records = (await readJudged(store, cell.id)) ?? []
    for (const { question, sample, verdicts } of lock?.imported === undefined ? records : [])
      for (const [metric, own] of Object.entries(verdicts)) {
        const where = `${cell.id}, ${question}, sample ${sample}, ${metric}`
        const whole = ledger.get(own.key)
        if (whole === undefined) {
          note(`${where}: its verdict is not in the ledger`)
          continue
        }
        nChecked += 1
        if (verdictProblem(own, whole) !== undefined)
          note(`${where}: the score is not that of the judge's raw answer`)
      }
    for (const set of new Set(records.map((record) => record.set))) {
      const rows = await readEvalCsv(csvPath(resultsFolder, cell, set))
      const own = records.filter((record) => record.set === set)
      own.forEach(({ question, verdicts }, i) => {
        const row = rows[i]
        for (const metric of ['aligned', 'coherent'] as const) {
          const score = verdictScore(verdicts[metric])
          if (row === undefined || row[metric] !== score || row.questionId !== question)
            note(`${cell.id}, row ${i + 1} of ${set}: the CSV has another ${metric} than the store`)
        }
      })
    }
  }
  await runRows({ resultsFolder, run, sets: ['main', 'inDomain', 'benign'] })
  return { nChecked, problems }
}
