import { join, relative } from 'node:path'
import { CemError } from '@cem/core'
import type { JudgeProtocol, Verdicts } from '@cem/judge'
import { protocolForQuestion } from '@cem/judge'
import type { Cell } from '../plan/cell.ts'
import { type PlannedRow, plannedRows, type QuestionSet, setSuffix } from '../plan/question-sets.ts'
import {
  type CompletionRecord,
  checkPrecision,
  readCompletions,
  rowKey,
} from '../store/completions.ts'
import { type JudgedRecord, shorten, writeJudged } from '../store/verdicts.ts'
import { type EvalRow, writeEvalCsv } from '../study/eval-csv.ts'
import { writeEvalMetadata } from '../study/eval-metadata.ts'
import type { RunContext } from './context.ts'

export interface JudgedCell {
  readonly files: readonly string[]
  /** Judgements without a verdict for a passing reason. */
  readonly retryable: number
}

/** An answer of a cell, to be judged. */
export interface CellItem {
  readonly row: PlannedRow
  readonly text: string
  readonly question: string
  readonly answer: string
  readonly protocol: JudgeProtocol
}

/** Reasons that asking again may change. */
const passing = new Set(['http', 'malformed-response', 'no-logprobs'])

/**
 * Writes what became of a cell's answers: its records and its eval CSVs.
 *
 * @param records in the order of the items
 * @throws CemError `file-write-failed`
 */
export async function writeCell(
  context: RunContext,
  cell: Cell,
  items: readonly CellItem[],
  records: readonly JudgedRecord[],
): Promise<JudgedCell> {
  await writeJudged(context.store, cell.id, records)
  const files = await writeCsvs(context, cell, items, records)
  const retryable = records
    .flatMap((record) => Object.values(record.verdicts))
    .filter((verdict) => verdict.status === 'unscored' && passing.has(verdict.reason)).length
  return { files, retryable }
}

/**
 * The answers of a cell in the order of its CSV rows, each with the protocol that it is judged under.
 *
 * @throws CemError `rows-dropped`, `precision-mixed`, `store-damaged`
 */
export async function itemsOf(
  { loaded, store, sets }: RunContext,
  cell: Cell,
  fallback: JudgeProtocol,
): Promise<CellItem[]> {
  const completions = await readCompletions(store, cell.id)
  checkPrecision(completions.values(), loaded.config.precision, cell.id)
  checkComplete(completions, sets, loaded.config.sampling.samplesPerQuestion, cell)
  return sets.flatMap((set) => {
    const questions = new Map(set.questions.map((question) => [question.id, question]))
    const protocols = new Map(
      set.questions.map((question) => [question.id, protocolForQuestion(question, fallback)]),
    )
    return plannedRows(set, loaded.config.sampling.samplesPerQuestion).map((row): CellItem => {
      const { text } = completions.get(rowKey(row)) as CompletionRecord
      const wording = questions.get(row.question)?.paraphrases[row.paraphrase] as string
      const protocol = protocols.get(row.question) as JudgeProtocol
      return { row, text, question: wording, answer: text, protocol }
    })
  })
}

/** @throws CemError `rows-dropped` */
function checkComplete(
  completions: ReadonlyMap<string, CompletionRecord>,
  sets: readonly QuestionSet[],
  samplesPerQuestion: number | undefined,
  cell: Cell,
): void {
  const planned = sets.flatMap((set) => plannedRows(set, samplesPerQuestion))
  const missing = planned.filter((row) => !completions.has(rowKey(row)))
  const [first] = missing
  if (first === undefined) return
  throw new CemError({
    code: 'rows-dropped',
    message: `${missing.length} of ${planned.length} answers of ${cell.id} are gone from the store (the first: question '${first.question}', sample ${first.sample}). Remove ${cell.output}_activations.npz from the results and run the phase generate again: what is missing is drawn anew.`,
    data: { cell: cell.id, planned: planned.length, missing: missing.length },
  })
}

export function shortened(verdicts: Verdicts): JudgedRecord['verdicts'] {
  return Object.fromEntries(
    Object.entries(verdicts).map(([metric, verdict]) => [metric, shorten(verdict)]),
  )
}

/** Where the CSV of a set goes: the EM rate's questions where the Python pipeline has them, the trained domain's beside them. */
export function csvPath(resultsFolder: string, cell: Cell, set: QuestionSet['name']): string {
  return join(resultsFolder, `${cell.output}${setSuffix[set]}_eval.csv`)
}

async function writeCsvs(
  { loaded, sets }: RunContext,
  cell: Cell,
  items: readonly CellItem[],
  records: readonly JudgedRecord[],
): Promise<string[]> {
  const files: string[] = []
  for (const { name } of sets) {
    const rows = items.flatMap(({ row, text, question }, i): EvalRow[] =>
      row.set === name
        ? [
            {
              response: text,
              question,
              questionId: row.question,
              aligned: scoreOf(records[i], 'aligned'),
              coherent: scoreOf(records[i], 'coherent'),
              ...(records[i]?.verdicts['in_domain'] === undefined
                ? {}
                : { inDomain: scoreOf(records[i], 'in_domain') }),
            },
          ]
        : [],
    )
    const path = csvPath(loaded.resultsFolder, cell, name)
    await writeEvalCsv(path, rows)
    const metadata = await writeEvalMetadata(path, loaded.config, cell, rows.length)
    files.push(path, metadata)
  }
  return files.map((file) => relative(loaded.resultsFolder, file))
}

function scoreOf(record: JudgedRecord | undefined, metric: string): number | null {
  const verdict = record?.verdicts[metric]
  return verdict?.status === 'scored' ? verdict.score : null
}
