import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { createChatClient } from '@cem/chat'
import type { ChatTokenizer } from '@cem/inference'
import { createJudge, type Judge, type JudgeProtocol, type Verdict } from '@cem/judge'
import { runProtocol } from '../judging/run-protocol.ts'
import { verdictProblem } from '../judging/verdict-problem.ts'
import type { Cell } from '../plan/cell.ts'
import { type CompletionRecord, rowKey } from '../store/completions.ts'
import { type JudgedRecord, verdictScore } from '../store/verdicts.ts'
import { type EvalRow, readEvalCsv } from '../study/eval-csv.ts'
import type { RunContext } from './context.ts'
import { type CellItem, csvPath, itemsOf } from './judge-cell.ts'

/** Verdicts by key; several where a judgement was asked for again after a passing failure. */
export type VerdictLedger = ReadonlyMap<string, readonly Verdict[]>

/** Scores of a cell that are not what the judge said of its answers. */
export interface DisputedScores {
  readonly n: number
  /** The first few, in words. */
  readonly first: readonly string[]
}

/** Holds a cell's scores against the ledger, its answers and its CSVs. */
export type ScoreAuditor = (cell: Cell, records: readonly JudgedRecord[]) => Promise<DisputedScores>

const nTold = 5

/**
 * Holds scores against what they came from: the stored score against the verdict in the ledger, the ledger's score against the judge's
 * own log probabilities, the verdict against the answer that is stored now, and the CSV against all of it. What is missing is
 * `rows-dropped`, and not told here.
 */
export async function scoreAuditor(
  context: RunContext,
  ledger: VerdictLedger,
): Promise<ScoreAuditor> {
  const { loaded } = context
  const { judge: config } = loaded.config
  const protocol = await runProtocol(loaded, config)
  // Only tells the keys of judgements; it is never asked.
  const client = createChatClient({
    model: config.model,
    baseUrl: 'http://127.0.0.1/v1',
    apiKey: null,
  })
  const judge = createJudge({ client, protocol, maxAnswerTokens: config.maxAnswerTokens })

  return async (cell, records) => {
    const items = await itemsIfAny(context, cell, protocol)
    const byRow = new Map(items.map((item) => [rowKey(item.row), item]))
    const problems: string[] = []
    for (const record of records) {
      const where = `${record.question}, sample ${record.sample}`
      const item = byRow.get(rowKey(record))
      const keys = item === undefined ? undefined : await keysOf(judge, item)
      for (const [metric, own] of Object.entries(record.verdicts)) {
        const found = (ledger.get(own.key) ?? []).map((whole) => verdictProblem(own, whole))
        if (found.length === 0) continue
        const problem = found.includes(undefined) ? undefined : found.at(-1)
        if (problem !== undefined) problems.push(`${where}, ${metric}: ${problem}`)
        else if (keys?.has(own.key) === false)
          problems.push(`${where}, ${metric}: the verdict is of another answer than is stored`)
      }
    }
    problems.push(...(await csvProblems(context, cell, records, byRow)))
    return { n: problems.length, first: problems.slice(0, nTold) }
  }
}

/** Answers whose text is not that of their token ids; undefined where there is no tokenizer to ask. */
export function textsOfOtherTokens(
  rows: readonly CompletionRecord[],
  tokenizer: Pick<ChatTokenizer, 'decode'> | undefined,
): DisputedScores | undefined {
  if (tokenizer === undefined) return undefined
  const edited = rows.filter(({ tokenIds, text }) => tokenizer.decode(tokenIds) !== text)
  const first = edited
    .slice(0, nTold)
    .map(
      ({ question, sample }) => `${question}, sample ${sample}: the text is not that of its tokens`,
    )
  return { n: edited.length, first }
}

/** Both together; undefined where neither was looked at. */
export function joined(
  a: DisputedScores | undefined,
  b: DisputedScores | undefined,
): DisputedScores | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return { n: a.n + b.n, first: [...a.first, ...b.first].slice(0, nTold) }
}

/** Undefined where the protocol's calls are not known before they are made. */
async function keysOf(judge: Judge, item: CellItem): Promise<ReadonlySet<string> | undefined> {
  if (item.protocol.name === 'logprob-0-100-exact') return undefined
  return new Set((await judge.planBatch([item])).map(({ id }) => id))
}

/** Answers that are gone are counted elsewhere. */
async function itemsIfAny(
  context: RunContext,
  cell: Cell,
  protocol: JudgeProtocol,
): Promise<readonly CellItem[]> {
  try {
    return await itemsOf(context, cell, protocol)
  } catch {
    return []
  }
}

async function csvProblems(
  { loaded, sets }: RunContext,
  cell: Cell,
  records: readonly JudgedRecord[],
  items: ReadonlyMap<string, CellItem>,
): Promise<string[]> {
  const problems: string[] = []
  for (const { name } of sets) {
    const path = csvPath(loaded.resultsFolder, cell, name)
    const rows = await rowsOf(path)
    const own = records.filter((record) => record.set === name)
    // Another number of rows is told as that.
    if (rows.length !== own.length) continue
    for (const [i, record] of own.entries()) {
      const row = rows[i] as EvalRow
      const what = differenceOf(row, record, items.get(rowKey(record))?.answer)
      if (what !== undefined) problems.push(`row ${i + 1} of ${basename(path)} has ${what}`)
    }
  }
  return problems
}

function differenceOf(
  row: EvalRow,
  { question, verdicts }: JudgedRecord,
  answer: string | undefined,
): string | undefined {
  if (row.questionId !== question) return `another question than the store, ${row.questionId}`
  for (const metric of ['aligned', 'coherent'] as const)
    if (row[metric] !== verdictScore(verdicts[metric]))
      return `another score ${metric} than the store`
  return answer === undefined || row.response === answer.toWellFormed()
    ? undefined
    : 'another answer than the store'
}

/** A file that is gone or cannot be read is told by its count. */
async function rowsOf(path: string): Promise<readonly EvalRow[]> {
  if (!existsSync(path)) return []
  return readEvalCsv(path).catch(() => [])
}
