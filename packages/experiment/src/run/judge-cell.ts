import { join, relative } from 'node:path'
import { CemError } from '@cem/core'
import type { Judge, JudgeProtocol, Verdicts } from '@cem/judge'
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
import type { JudgeSession } from './judge-session.ts'

export interface JudgedCell {
  readonly files: readonly string[]
  readonly records: readonly JudgedRecord[]
  /** Judgements without a verdict for a passing reason. */
  readonly retryable: number
}

interface Item {
  readonly row: PlannedRow
  readonly text: string
  readonly question: string
  readonly answer: string
  readonly protocol: JudgeProtocol
}

/** Reasons that asking again may change. */
const passing = new Set(['http', 'malformed-response', 'no-logprobs'])

/**
 * Has every answer of a cell judged and writes its eval CSVs. Answers that were judged before, in this cell or another, are not
 * asked again.
 *
 * @throws CemError `judge-unreachable`, `file-write-failed`; `signal.reason`
 */
export async function judgeCell(
  context: RunContext,
  cell: Cell,
  unit: string,
  session: JudgeSession,
): Promise<JudgedCell> {
  const items = await itemsOf(context, cell, session.protocol)
  await context.record({ type: 'unit-start', unit, total: items.length, done: 0 })
  const byRow = new Map<string, JudgedRecord>()
  const { judge } = session
  const options = { signal: context.signal, total: items.length }
  for await (const event of judge.judgeAll(gated(items, context.gate), options)) {
    if (event.type !== 'row-end') continue
    const { row } = event.item
    byRow.set(rowKey(row), { ...row, verdicts: shortened(event.verdicts) })
    session.note(event.verdicts)
    context.report({
      type: 'unit-progress',
      unit,
      total: event.total,
      done: event.done,
      tokensPerSecond: null,
      judge: session.counters(),
    })
  }
  const records = items.map(({ row }) => byRow.get(rowKey(row)) as JudgedRecord)
  await session.sync()
  await writeJudged(context.store, cell.id, records)
  const files = await writeCsvs(context, cell, items, records)
  const retryable = records
    .flatMap((record) => Object.values(record.verdicts))
    .filter((verdict) => verdict.status === 'unscored' && passing.has(verdict.reason)).length
  return { files, records, retryable }
}

/** Items one by one, none while the run is paused. */
async function* gated(items: readonly Item[], gate: () => Promise<void>): AsyncGenerator<Item> {
  for (const item of items) {
    await gate()
    yield item
  }
}

async function itemsOf(
  { loaded, store, sets }: RunContext,
  cell: Cell,
  fallback: JudgeProtocol,
): Promise<Item[]> {
  const completions = await readCompletions(store, cell.id)
  checkPrecision(completions.values(), loaded.config.precision, cell.id)
  checkComplete(completions, sets, loaded.config.sampling.samplesPerQuestion, cell)
  return sets.flatMap((set) => {
    const questions = new Map(set.questions.map((question) => [question.id, question]))
    const protocols = new Map(
      set.questions.map((question) => [question.id, protocolForQuestion(question, fallback)]),
    )
    return plannedRows(set, loaded.config.sampling.samplesPerQuestion).map((row): Item => {
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

function shortened(verdicts: Verdicts): JudgedRecord['verdicts'] {
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
  items: readonly Item[],
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

export type { Judge }
