import { type ChatRequest, createBatchClient, createChatClient } from '@cem/chat'
import {
  anchorRows,
  canaryRows,
  createJudge,
  type Judge,
  type JudgeItem,
  type JudgeProtocol,
  probePrompt,
  protocolForQuestion,
  type Verdict,
} from '@cem/judge'
import type { JudgeConfig, JudgeConnection } from '../config/judge-schema.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Cell } from '../plan/cell.ts'
import { planCells } from '../plan/plan-cells.ts'
import { type PlannedRow, plannedRows, readQuestionSets } from '../plan/question-sets.ts'
import { given } from '../run/judge-session.ts'
import { readCompletions, rowKey } from '../store/completions.ts'
import { readLock } from '../store/lock.ts'
import { RunStore, readFolder } from '../store/run-store.ts'
import { checkingFolder, verdictsFolder } from '../store/verdicts.ts'
import { canaryProtocols } from './canary-protocols.ts'
import { estimateJudging, type JudgingEstimate } from './estimate.ts'
import { runProtocol } from './run-protocol.ts'
import { noEstimate, scaledEstimate, sumOfEstimates } from './sum-estimates.ts'

export interface EstimateRunOptions {
  /** All that the run asks, or what is left of it: without the verdicts in its ledger, with the answers that are there. @default 'rest' */
  readonly of?: 'all' | 'rest'
  /** @default those of the run's lock, else of the config */
  readonly cells?: readonly Cell[] | undefined
  /** Length of an answer that is not drawn yet, in bytes of UTF-8. @default the longest possible */
  readonly answerBytes?: number | undefined
}

export type EstimatedPart =
  | 'answers'
  | 'canary rows'
  | 'anchors'
  | 'probe'
  | 'retest'
  | 'second judge'

/** The sum of the parts whose calls can be counted before; in dollars, of those whose prices are known. */
export interface RunEstimate extends JudgingEstimate {
  /** One for each answer and rubric of the first judge. */
  readonly nJudgements: number
  readonly parts: readonly (JudgingEstimate & { readonly part: EstimatedPart })[]
  /** Parts that are not in the sum, or not in its dollars, each with the reason; none where nothing is missing. */
  readonly absent: readonly string[]
}

/** As many bytes as @cem/chat takes for a token, so that its estimate of an answer's tokens is the number that was put in. */
const bytesPerToken = 3

/**
 * What the judging of a run costs before it begins: answers, canary rows, anchors and probe at the first judge's prices, in batches
 * at those of batches, and the retest likewise; the second judge, which is asked one by one. Equal answers that are not drawn yet would be one call, and are counted as two.
 * No server is asked.
 *
 * @throws CemError as `planCells`, `readQuestionSets` and `runProtocol`
 */
export async function estimateRun(
  loaded: LoadedConfig,
  options: EstimateRunOptions = {},
): Promise<RunEstimate> {
  const { judge: config } = loaded.config
  const { second, retest, batch } = config
  const study = await readStudy(loaded, options)
  const { store } = study
  const parts: (JudgingEstimate & { part: EstimatedPart })[] = []
  const absent: string[] = []
  const take = (part: EstimatedPart, estimate: JudgingEstimate | null, who: JudgeConnection) => {
    if (estimate === null)
      absent.push(`${part}: the calls of the protocol ${who.protocol} cannot be counted before`)
    else if (estimate.nCalls > 0) {
      parts.push({ ...estimate, part })
      if (estimate.usd === null) absent.push(`${part}: ${reasonAgainst(who)}`)
    }
  }
  const first = await openEstimator(loaded, study, { config, batch, folder: verdictsFolder(store) })
  const answers = await first.answers(study.isRest)
  const canaries = config.canaries ? await first.canaries(study.isRest) : noEstimate
  const isAsking = answers === null || answers.nCalls + (canaries?.nCalls ?? 0) > 0
  take('answers', answers, config)
  take('canary rows', canaries, config)
  // What is in a batch has no order in time that anchors could show.
  if (isAsking && config.anchors && batch === false) take('anchors', await first.anchors(), config)
  if (retest > 0) {
    const folder = checkingFolder(store, 'retest')
    const again = await openEstimator(loaded, study, { config, batch, folder })
    take('retest', await again.share(retest), config)
  }
  if (config.probe && (isAsking || parts.length > 0)) take('probe', first.probe(), config)
  if (second !== undefined) {
    const folder = checkingFolder(store, 'second')
    const other = await openEstimator(loaded, study, { config: second, batch: false, folder })
    const own = await other.share(second.share)
    take('second judge', own, second)
    if (second.probe && (own?.nCalls ?? 0) > 0) take('probe', other.probe(), second)
  }
  const nJudgements = study.cells.length * first.judgementsOfCell
  return { ...sumOfEstimates(parts), nJudgements, parts, absent }
}

interface Study {
  readonly store: RunStore
  readonly cells: readonly Cell[]
  /** The rows of each cell. */
  readonly rows: readonly { readonly row: PlannedRow; readonly item: PlannedItem }[]
  /** Stands for an answer that is not drawn yet. */
  readonly unwritten: string
  readonly isRest: boolean
}

interface PlannedItem {
  readonly question: string
  readonly judgePrompts: Parameters<typeof protocolForQuestion>[0]
}

async function readStudy(
  loaded: LoadedConfig,
  { of = 'rest', cells, answerBytes }: EstimateRunOptions,
): Promise<Study> {
  const { sampling } = loaded.config
  const store = new RunStore(loaded.resultsFolder, loaded.name)
  const sets = await readQuestionSets(loaded)
  const rows = sets.flatMap((set) => {
    const questions = new Map(set.questions.map((question) => [question.id, question]))
    return plannedRows(set, sampling.samplesPerQuestion).flatMap((row) => {
      const judgePrompts = questions.get(row.question)
      if (judgePrompts === undefined) return []
      return [
        { row, item: { question: judgePrompts.paraphrases[row.paraphrase] ?? '', judgePrompts } },
      ]
    })
  })
  const bytes = answerBytes ?? sampling.maxNewTokens * bytesPerToken
  return {
    store,
    cells: cells ?? (await cellsOf(store, loaded)),
    rows,
    unwritten: 'x'.repeat(Math.round(bytes)),
    isRest: of === 'rest',
  }
}

async function cellsOf(store: RunStore, loaded: LoadedConfig): Promise<readonly Cell[]> {
  const lock = await readLock(store)
  if (lock !== undefined) return Object.values(lock.cells).map(({ cell }) => cell)
  return (await planCells(loaded)).cells
}

interface EstimatorInput {
  readonly config: JudgeConnection
  readonly batch: JudgeConfig['batch']
  /** Of its ledger. */
  readonly folder: string
}

interface Estimator {
  readonly judgementsOfCell: number
  answers(isRest: boolean): Promise<JudgingEstimate | null>
  canaries(isRest: boolean): Promise<JudgingEstimate | null>
  anchors(): Promise<JudgingEstimate | null>
  /** A share of each cell, less what its ledger holds where the rest is asked for. */
  share(share: number): Promise<JudgingEstimate | null>
  probe(): JudgingEstimate
}

async function openEstimator(
  loaded: LoadedConfig,
  { store, cells, rows, unwritten, isRest }: Study,
  { config, batch, folder }: EstimatorInput,
): Promise<Estimator> {
  const { maxAnswerTokens, anchorsEvery } = loaded.config.judge
  const fallback = await runProtocol(loaded, config)
  const where = { model: config.model, baseUrl: 'http://127.0.0.1/v1', apiKey: null }
  const client = createChatClient({ ...where, ...pricesOf(config.prices) })
  const batchPrices = (typeof batch === 'object' ? batch.prices : undefined) ?? config.prices
  const batches =
    batch === false ? undefined : createBatchClient({ ...where, ...pricesOf(batchPrices) })
  const cost = (requests: readonly ChatRequest[]) =>
    batches === undefined
      ? client.estimateCost(requests)
      : batches.estimateCost(requests.map((request, i) => ({ id: String(i), request })))
  const ledger = new Map<string, Verdict>()
  if (isRest)
    for (const verdict of await readFolder<Verdict>(folder)) ledger.set(verdict.key, verdict)
  const judgeWith = (verdicts: ReadonlyMap<string, Verdict>) =>
    createJudge({
      client,
      protocol: fallback,
      maxAnswerTokens,
      cache: { get: (key) => verdicts.get(key), set: () => undefined },
    })
  const anew = judgeWith(new Map())
  const items = rows.map(({ row, item }) => ({
    row,
    question: item.question,
    protocol: protocolForQuestion(item.judgePrompts, fallback),
  }))
  const estimateOf = (judge: Judge, some: Iterable<JudgeItem> | AsyncIterable<JudgeItem>) =>
    estimateJudging(judge, cost, some)
  const ofUnwritten = memoized(
    ({ question, protocol }: { question: string; protocol: JudgeProtocol }) =>
      estimateOf(anew, [{ question, protocol, answer: unwritten }]),
  )

  const canaryItems = () =>
    canaryProtocols(items.map(({ protocol }) => protocol)).flatMap((protocol) =>
      canaryRows().map(({ question, answer }) => ({ question, answer, protocol })),
    )

  const answers = async (isLeft: boolean): Promise<JudgingEstimate | null> => {
    const written: JudgeItem[] = []
    const counts = new Map<(typeof items)[number], number>()
    for (const { id } of cells) {
      const completions = isLeft ? await readCompletions(store, id) : undefined
      for (const item of items) {
        const answer = completions?.get(rowKey(item.row))?.text
        if (answer === undefined) counts.set(item, (counts.get(item) ?? 0) + 1)
        else written.push({ question: item.question, protocol: item.protocol, answer })
      }
    }
    const parts = [await estimateOf(judgeWith(ledger), written)]
    for (const [item, n] of counts) {
      const one = await ofUnwritten(`${item.protocol.hash} ${item.question}`, item)
      parts.push(one === null ? null : scaledEstimate(one, n))
    }
    return parts.some((part) => part === null)
      ? null
      : sumOfEstimates(parts.flatMap((part) => part ?? []))
  }

  return {
    judgementsOfCell: items.reduce(
      (sum, { protocol }) => sum + Object.keys(protocol.rubrics).length,
      0,
    ),
    answers,
    canaries: (isLeft) => estimateOf(isLeft ? judgeWith(ledger) : anew, canaryItems()),
    anchors: async () => {
      const block = await estimateOf(anew, anchorRows())
      // Anchors stand among the canary rows too.
      const nCanaries = loaded.config.judge.canaries ? canaryItems().length : 0
      const nRows = cells.length * items.length + nCanaries
      const between = anchorsEvery === undefined ? 0 : Math.floor((nRows - 1) / anchorsEvery)
      return block === null ? null : scaledEstimate(block, 2 + Math.max(0, between))
    },
    share: async (share) => {
      const all = await answers(false)
      if (all === null || all.nCalls === 0) return all
      const perCell = Math.max(1, Math.round(share * items.length))
      const wanted = (all.nCalls * Math.min(perCell, items.length)) / items.length
      return scaledEstimate(all, Math.max(0, wanted - ledger.size) / all.nCalls)
    },
    probe: () => {
      // Six integers of two digits or so, or one question in the protocol's own way.
      const n = fallback.name === 'logprob-0-100' ? 6 : 1
      const request = {
        messages: [{ role: 'user' as const, content: probePrompt(100) }],
        maxTokens: 1,
      }
      const { promptTokens, mostCompletionTokens, usd, mostUsd } = client.estimateCost([request])
      const completionTokens = mostCompletionTokens
      return scaledEstimate({ nCalls: 1, promptTokens, completionTokens, usd, mostUsd }, n)
    },
  }
}

function pricesOf(prices: JudgeConnection['prices']) {
  return prices === undefined ? {} : { prices: given(prices) }
}

function reasonAgainst({ server }: JudgeConnection): string {
  return server === undefined
    ? 'unknown price: give judge.prices (USD per million tokens)'
    : `the program starts the judge '${server}' itself: no price is paid for its calls`
}

function memoized<Input, Output>(work: (input: Input) => Promise<Output>) {
  const known = new Map<string, Promise<Output>>()
  return (key: string, input: Input): Promise<Output> => {
    const found = known.get(key) ?? work(input)
    known.set(key, found)
    return found
  }
}
