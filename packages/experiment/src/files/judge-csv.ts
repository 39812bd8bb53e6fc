import { createChatClient } from '@cem/chat'
import { CemError } from '@cem/core'
import {
  createJudge,
  type JudgeProtocol,
  probeProtocol,
  protocolForQuestion,
  readQuestions,
} from '@cem/judge'
import type { ExperimentConfig } from '../config/schema.ts'
import { runProtocol } from '../judging/run-protocol.ts'
import { connectionOf, given } from '../run/judge-session.ts'
import { type EvalRow, readEvalCsv, writeEvalCsv } from '../study/eval-csv.ts'
import { isInspectLog, readInspectRows } from './inspect-rows.ts'

export interface JudgeCsvOptions {
  /** An eval CSV, or an eval log of Inspect AI (`.json`, `.eval`). */
  readonly csv: string
  /** Another file than `csv`: the input is never changed. */
  readonly output: string
  readonly judge: ExperimentConfig['judge']
  /** Questions file whose rubrics are used for its questions. @default our own rubrics */
  readonly questions?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the rows that are judged, and all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface JudgeCsvReport {
  readonly nRows: number
  /** Rows that lack a score, by metric and reason. */
  readonly unscored: Readonly<Record<string, number>>
}

/**
 * Has the answers of an eval CSV, or of a log of Inspect AI, judged and writes a CSV with the scores, rows in the same order. What gets no score stays,
 * with an empty one.
 *
 * @throws CemError `eval-csv-invalid`, `source-invalid`, `nothing-to-judge`, `output-is-input`, and those of the judge (`judge-unreachable`, `judge-splits-integers`, ...)
 */
export async function judgeCsv(options: JudgeCsvOptions): Promise<JudgeCsvReport> {
  const { csv, output, judge: config, signal, onProgress } = options
  if (csv === output)
    throw new CemError({
      code: 'output-is-input',
      message: `The scores would replace ${csv}: name another output.`,
    })
  const { rows, nLeftOut } = isInspectLog(csv)
    ? await readInspectRows(csv)
    : { rows: await readEvalCsv(csv), nLeftOut: 0 }
  const fallback = await runProtocol({ root: process.cwd() }, config)
  const protocols = await protocolsOf(options.questions, fallback)
  const { requestsPerMinute, tokensPerMinute, maxCostUsd } = config
  const client = createChatClient({
    ...connectionOf(config),
    concurrency: config.concurrency,
    ...given({ requestsPerMinute, tokensPerMinute, maxCostUsd }),
    ...given({ prices: config.prices && given(config.prices) }),
  })
  if (config.probe) await probeProtocol(client, fallback, { signal })
  const { maxAnswerTokens } = config
  const judge = createJudge({ client, protocol: fallback, maxAnswerTokens })
  const items = rows.map(({ question, response, questionId }) => ({
    question,
    answer: response,
    protocol: protocols.get(questionId) ?? fallback,
  }))
  const judged: EvalRow[] = [...rows]
  const unscored: Record<string, number> = {}
  if (nLeftOut > 0) unscored['sample left out: no model answers a user in it'] = nLeftOut
  for await (const event of judge.judgeAll(items, { signal })) {
    if (event.type !== 'row-end') continue
    const score = (metric: string) => {
      const verdict = event.verdicts[metric]
      if (verdict?.status === 'scored') return verdict.score
      const reason = `${metric}: ${verdict?.reason ?? 'not judged'}`
      unscored[reason] = (unscored[reason] ?? 0) + 1
      return null
    }
    const row = rows[event.index] as EvalRow
    judged[event.index] = { ...row, aligned: score('aligned'), coherent: score('coherent') }
    onProgress?.(event.done, event.total)
  }
  await writeEvalCsv(output, judged)
  return { nRows: rows.length, unscored }
}

async function protocolsOf(
  file: string | undefined,
  fallback: JudgeProtocol,
): Promise<ReadonlyMap<string, JudgeProtocol>> {
  if (file === undefined) return new Map()
  const { questions } = await readQuestions(file, { includeFormatVariants: true })
  return new Map(
    questions.map((question) => [question.id, protocolForQuestion(question, fallback)]),
  )
}
