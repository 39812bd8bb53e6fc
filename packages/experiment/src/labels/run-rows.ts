import { existsSync } from 'node:fs'
import { CemError } from '@cem/core'
import { rowId } from '../judging/row-id.ts'
import type { Cell } from '../plan/cell.ts'
import type { QuestionSetName } from '../plan/question-sets.ts'
import { csvPath } from '../run/judge-cell.ts'
import { runUnknown } from '../run/run-unknown.ts'
import { readLock } from '../store/lock.ts'
import { RunStore } from '../store/run-store.ts'
import { type MetricVerdict, readJudged } from '../store/verdicts.ts'
import { readEvalCsv } from '../study/eval-csv.ts'

/** A judged answer of a run, with its texts. */
export interface RunRow {
  readonly id: string
  readonly cell: Cell
  readonly set: QuestionSetName
  readonly paraphrase: number
  readonly sample: number
  /** Id of the question. */
  readonly question: string
  /** The question as it was asked. */
  readonly wording: string
  readonly answer: string
  readonly verdicts: Readonly<Record<string, MetricVerdict>>
}

export interface RunName {
  readonly resultsFolder: string
  readonly run: string
}

export interface RunRowsOptions extends RunName {
  /** @default the questions of the EM rate */
  readonly sets?: readonly QuestionSetName[] | undefined
}

/**
 * The judged answers of a run, cell by cell, from a run's store and its eval CSVs; no config is needed.
 *
 * @throws CemError `run-unknown`, `nothing-judged`, `rows-dropped` where a CSV does not have the rows of the store
 */
export async function runRows({
  resultsFolder,
  run,
  sets = ['main'],
}: RunRowsOptions): Promise<readonly RunRow[]> {
  const store = new RunStore(resultsFolder, run)
  const lock = await readLock(store)
  if (lock === undefined) throw runUnknown(run, store.folder)
  const rows: RunRow[] = []
  for (const { cell } of Object.values(lock.cells))
    for (const set of sets) rows.push(...(await cellRows(store, resultsFolder, cell, set)))
  if (rows.length === 0)
    throw new CemError({
      code: 'nothing-judged',
      message: `The run '${run}' has no judged answers yet: run its phase judge first.`,
      data: { run },
    })
  return rows
}

async function cellRows(
  store: RunStore,
  resultsFolder: string,
  cell: Cell,
  set: QuestionSetName,
): Promise<RunRow[]> {
  const records = ((await readJudged(store, cell.id)) ?? []).filter((row) => row.set === set)
  const path = csvPath(resultsFolder, cell, set)
  if (records.length === 0) return []
  const csv = existsSync(path) ? await readEvalCsv(path) : []
  const isSame =
    csv.length === records.length && csv.every((row, i) => row.questionId === records[i]?.question)
  if (!isSame)
    throw new CemError({
      code: 'rows-dropped',
      message: `${path} has ${csv.length} answers, and the store has verdicts on ${records.length} of ${cell.id}, or they are to other questions. Remove the file and run the experiment again: it is written anew from the store.`,
      data: { path, cell: cell.id },
    })
  return records.flatMap((record, i): RunRow[] => {
    const row = csv[i]
    if (row === undefined) return []
    return [
      {
        id: rowId(cell.id, record),
        cell,
        set,
        paraphrase: record.paraphrase,
        sample: record.sample,
        question: record.question,
        wording: row.question,
        answer: row.response,
        verdicts: record.verdicts,
      },
    ]
  })
}
