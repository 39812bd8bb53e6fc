import type { ChatRequest, CostEstimate } from '@cem/chat'
import { CemError } from '@cem/core'
import type { Judge, JudgeItem } from '@cem/judge'

/** What judging would take, without what the ledger holds. */
export interface JudgingEstimate {
  readonly nCalls: number
  readonly promptTokens: number
  /** The longest answers together; null where nothing bounds one. */
  readonly completionTokens: number | null
  /** Likely, in USD; null without prices. */
  readonly usd: number | null
  /** What it cannot exceed where each call is sent once; null without prices. */
  readonly mostUsd: number | null
}

/** Prompts are made and dropped in pieces of so many answers: all of a study's would not fit into memory. */
const pieceSize = 500

/**
 * What is left to ask of these items, and what it would cost.
 *
 * @returns null for the protocol `logprob-0-100-exact`, whose calls are not known before they are made
 */
export async function estimateJudging(
  judge: Pick<Judge, 'planBatch'>,
  estimateCost: (requests: readonly ChatRequest[]) => CostEstimate,
  items: Iterable<JudgeItem> | AsyncIterable<JudgeItem>,
): Promise<JudgingEstimate | null> {
  const seen = new Set<string>()
  const total = { nCalls: 0, promptTokens: 0, completionTokens: 0, usd: 0, mostUsd: 0 }
  let hasPrices = true
  let isBounded = true
  const add = async (piece: readonly JudgeItem[]) => {
    const fresh = (await judge.planBatch(piece)).filter(({ id }) => !seen.has(id))
    for (const { id } of fresh) seen.add(id)
    if (fresh.length === 0) return
    const cost = estimateCost(fresh.map(({ request }) => request))
    const { promptTokens, mostCompletionTokens, usd, mostUsd } = cost
    total.nCalls += fresh.length
    total.promptTokens += promptTokens
    if (mostCompletionTokens === null) isBounded = false
    total.completionTokens += mostCompletionTokens ?? 0
    if (usd === null || mostUsd === null) hasPrices = false
    total.usd += usd ?? 0
    total.mostUsd += mostUsd ?? 0
  }
  try {
    let piece: JudgeItem[] = []
    for await (const item of items) {
      piece.push(item)
      if (piece.length < pieceSize) continue
      await add(piece)
      piece = []
    }
    await add(piece)
  } catch (error) {
    if (CemError.isInstance(error) && error.code === 'bad-judge-option') return null
    throw error
  }
  return {
    ...total,
    ...(isBounded ? {} : { completionTokens: null }),
    ...(hasPrices ? {} : { usd: null, mostUsd: null }),
  }
}

/** `1,200 calls, about 0.4 million tokens, about 1.05 USD, at most 3.20 USD` */
export function estimateText({ nCalls, promptTokens, usd, mostUsd }: JudgingEstimate): string {
  const tokens =
    promptTokens < 100_000
      ? `${promptTokens} tokens`
      : `${(promptTokens / 1e6).toFixed(1)} million tokens`
  const cost =
    usd === null || mostUsd === null
      ? 'cost unknown without judge.prices'
      : `about ${usd.toFixed(2)} USD, at most ${mostUsd.toFixed(2)} USD`
  return `${nCalls} calls, about ${tokens}, ${cost}`
}

/** @throws CemError `cost-unconfirmed` where it is likely to cost more than may be spent unasked */
export function checkConfirmed(
  estimate: JudgingEstimate | null,
  {
    confirmAboveUsd,
    isConfirmed,
  }: { readonly confirmAboveUsd: number; readonly isConfirmed: boolean },
): void {
  if (isConfirmed || estimate?.usd == null || estimate.usd <= confirmAboveUsd) return
  throw new CemError({
    code: 'cost-unconfirmed',
    message: `Judging would take ${estimateText(estimate)}, which is more than judge.confirmAboveUsd (${confirmAboveUsd} USD). Nothing was asked. Confirm it (cem run --yes, or costConfirmed in code), or raise confirmAboveUsd.`,
    data: { ...estimate, confirmAboveUsd },
  })
}
