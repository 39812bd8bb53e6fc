import { createChatClient } from '@cem/chat'
import { createJudge, type JudgeItem, protocolForQuestion, type Verdict } from '@cem/judge'
import type { JudgeConnection } from '../config/judge-schema.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Cell } from '../plan/cell.ts'
import { planCells } from '../plan/plan-cells.ts'
import { plannedRows, readQuestionSets } from '../plan/question-sets.ts'
import { given } from '../run/judge-session.ts'
import { readCompletions, rowKey } from '../store/completions.ts'
import { readLock } from '../store/lock.ts'
import { RunStore, readFolder } from '../store/run-store.ts'
import { checkingFolder, verdictsFolder } from '../store/verdicts.ts'
import { estimateJudging, type JudgingEstimate } from './estimate.ts'
import { runProtocol } from './run-protocol.ts'

/** Characters of a token in an answer that is not there yet. */
const charactersPerToken = 4

/**
 * What the judging of a run would cost before it begins, second judge and retest included: an answer that is not drawn yet counts
 * with its longest, verdicts that are in the ledger are left out. No server is asked.
 *
 * @returns null where no prices are known, or the protocol's calls cannot be counted before
 * @throws CemError as `planCells`, `readQuestionSets` and `runProtocol`
 */
export async function estimateRun(loaded: LoadedConfig): Promise<JudgingEstimate | null> {
  const { judge: config } = loaded.config
  const { second, retest } = config
  const store = new RunStore(loaded.resultsFolder, loaded.name)
  const batchPrices = typeof config.batch === 'object' ? config.batch.prices : undefined
  const first = await estimateOne(loaded, store, {
    config,
    prices: batchPrices ?? config.prices,
    folder: verdictsFolder(store),
  })
  const other =
    second === undefined
      ? null
      : await estimateOne(loaded, store, {
          config: second,
          prices: second.prices,
          folder: checkingFolder(store, 'second'),
        })
  const parts = [
    ...(first === null ? [] : [scaled(first, 1 + retest)]),
    ...(other === null ? [] : [scaled(other, second?.share ?? 1)]),
  ]
  return parts.length === 0 ? null : parts.reduce(sum)
}

interface EstimateOneInput {
  readonly config: JudgeConnection
  readonly prices: JudgeConnection['prices']
  /** Of its ledger. */
  readonly folder: string
}

async function estimateOne(
  loaded: LoadedConfig,
  store: RunStore,
  { config, prices, folder }: EstimateOneInput,
): Promise<JudgingEstimate | null> {
  if (prices === undefined) return null
  const { sampling, judge: shared } = loaded.config
  const fallback = await runProtocol(loaded, config)
  const sets = await readQuestionSets(loaded)
  const cells = await cellsOf(store, loaded)
  const client = createChatClient({
    model: config.model,
    baseUrl: 'http://127.0.0.1/v1',
    apiKey: null,
    prices: given(prices),
  })
  const verdicts = new Map(
    (await readFolder<Verdict>(folder)).map((verdict) => [verdict.key, verdict]),
  )
  const judge = createJudge({
    client,
    protocol: fallback,
    maxAnswerTokens: shared.maxAnswerTokens,
    cache: { get: (key) => verdicts.get(key), set: () => undefined },
  })
  return estimateJudging(judge, (requests) => client.estimateCost(requests), items())

  async function* items(): AsyncGenerator<JudgeItem> {
    for (const { id } of cells) {
      const completions = await readCompletions(store, id)
      for (const set of sets) {
        const questions = new Map(set.questions.map((question) => [question.id, question]))
        for (const row of plannedRows(set, sampling.samplesPerQuestion)) {
          const question = questions.get(row.question)
          if (question === undefined) continue
          const answer = completions.get(rowKey(row))?.text ?? longest(id, rowKey(row))
          yield {
            question: question.paraphrases[row.paraphrase] ?? '',
            answer,
            protocol: protocolForQuestion(question, fallback),
          }
        }
      }
    }
  }

  /** Equal answers would count once. */
  function longest(cell: string, row: string): string {
    return `${cell} ${row} `.padEnd(sampling.maxNewTokens * charactersPerToken, 'x')
  }
}

function scaled(estimate: JudgingEstimate, by: number): JudgingEstimate {
  const { nCalls, promptTokens, usd, mostUsd } = estimate
  return {
    nCalls: Math.round(nCalls * by),
    promptTokens: Math.round(promptTokens * by),
    usd: usd === null ? null : usd * by,
    mostUsd: mostUsd === null ? null : mostUsd * by,
  }
}

function sum(one: JudgingEstimate, other: JudgingEstimate): JudgingEstimate {
  const add = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b)
  return {
    nCalls: one.nCalls + other.nCalls,
    promptTokens: one.promptTokens + other.promptTokens,
    usd: add(one.usd, other.usd),
    mostUsd: add(one.mostUsd, other.mostUsd),
  }
}

async function cellsOf(store: RunStore, loaded: LoadedConfig): Promise<readonly Cell[]> {
  const lock = await readLock(store)
  if (lock !== undefined) return Object.values(lock.cells).map(({ cell }) => cell)
  return (await planCells(loaded)).cells
}
