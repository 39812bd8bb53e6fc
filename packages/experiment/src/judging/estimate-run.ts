import { createChatClient } from '@cem/chat'
import { createJudge, type JudgeItem, protocolForQuestion, type Verdict } from '@cem/judge'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Cell } from '../plan/cell.ts'
import { planCells } from '../plan/plan-cells.ts'
import { plannedRows, readQuestionSets } from '../plan/question-sets.ts'
import { given } from '../run/judge-session.ts'
import { readCompletions, rowKey } from '../store/completions.ts'
import { readLock } from '../store/lock.ts'
import { RunStore, readFolder } from '../store/run-store.ts'
import { verdictsFolder } from '../store/verdicts.ts'
import { estimateJudging, type JudgingEstimate } from './estimate.ts'
import { runProtocol } from './run-protocol.ts'

/** Characters of a token in an answer that is not there yet. */
const charactersPerToken = 4

/**
 * What the judging of a run would cost before it begins: an answer that is not drawn yet counts with its longest, verdicts that
 * are in the ledger are left out. No server is asked.
 *
 * @returns null where no prices are known, or the protocol's calls cannot be counted before
 * @throws CemError as `planCells`, `readQuestionSets` and `runProtocol`
 */
export async function estimateRun(loaded: LoadedConfig): Promise<JudgingEstimate | null> {
  const { judge: config, sampling } = loaded.config
  const batchPrices = typeof config.batch === 'object' ? config.batch.prices : undefined
  const prices = batchPrices ?? config.prices
  if (prices === undefined) return null
  const store = new RunStore(loaded.resultsFolder, loaded.name)
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
    (await readFolder<Verdict>(verdictsFolder(store))).map((verdict) => [verdict.key, verdict]),
  )
  const judge = createJudge({
    client,
    protocol: fallback,
    maxAnswerTokens: config.maxAnswerTokens,
    cache: { get: (key) => verdicts.get(key), set: () => undefined },
  })
  return estimateJudging(judge, client.estimateCost, items())

  async function* items(): AsyncGenerator<JudgeItem> {
    for (const { id } of cells) {
      const completions = await readCompletions(store, id)
      for (const set of sets)
        for (const row of plannedRows(set, sampling.samplesPerQuestion)) {
          const question = set.questions.find((one) => one.id === row.question)
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

  /** Equal answers would count once. */
  function longest(cell: string, row: string): string {
    return `${cell} ${row} `.padEnd(sampling.maxNewTokens * charactersPerToken, 'x')
  }
}

async function cellsOf(store: RunStore, loaded: LoadedConfig): Promise<readonly Cell[]> {
  const lock = await readLock(store)
  if (lock !== undefined) return Object.values(lock.cells).map(({ cell }) => cell)
  return (await planCells(loaded)).cells
}
