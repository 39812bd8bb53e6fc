import type { Prices, Usage } from '@cem/chat'
import type { JsonLinesWriter } from '@cem/core'
import type { Verdict, VerdictCache } from '@cem/judge'
import { type RunStore, readFolder } from '../store/run-store.ts'

/** A ledger of verdicts: what all processes of the run have written, and this one's own file. */
export interface Ledger extends AsyncDisposable {
  readonly cache: VerdictCache
  /** What the verdicts there cost, by the usage that they report. */
  readonly spentUsd: number
  append(verdict: Verdict): Promise<void>
  sync(): Promise<void>
}

export interface LedgerPrices {
  readonly prices: LooseObject<Prices> | undefined
  /** Of verdicts that came in a batch. */
  readonly batchPrices: LooseObject<Prices> | undefined
}

type LooseObject<T> = { readonly [Key in keyof T]: T[Key] | undefined }

/** @throws CemError `file-write-failed`, `store-damaged` */
export async function openLedger(
  store: RunStore,
  folder: string,
  prices: LedgerPrices,
): Promise<Ledger> {
  const all = await readFolder<Verdict>(folder)
  const verdicts = new Map(all.map((verdict) => [verdict.key, verdict]))
  // Opened with the first verdict: a judge that turns out to be unusable leaves nothing open.
  let file: Promise<JsonLinesWriter> | undefined
  return {
    cache: {
      get: (key) => verdicts.get(key),
      set: (key, verdict) => {
        verdicts.set(key, verdict)
      },
    },
    spentUsd: spentOn(all, prices),
    append: async (verdict) => {
      file ??= store.openLedger(folder)
      await (await file).append(verdict)
    },
    sync: async () => (await file)?.sync(),
    [Symbol.asyncDispose]: async () => (await file)?.[Symbol.asyncDispose](),
  }
}

/** What verdicts have cost, in USD. */
export function spentOn(
  verdicts: readonly Verdict[],
  { prices, batchPrices }: LedgerPrices,
): number {
  // The provider does not tell the attempts of what it answers in a batch.
  return verdicts.reduce(
    (sum, { usage, attempts }) => sum + costOf(usage, attempts.length === 0 ? batchPrices : prices),
    0,
  )
}

/** In USD; 0 where usage or prices are unknown. */
function costOf(usage: Usage | undefined, prices: LooseObject<Prices> | undefined): number {
  if (usage === undefined || prices?.inputPerMillion === undefined) return 0
  const { inputPerMillion, outputPerMillion = 0, cachedInputPerMillion = inputPerMillion } = prices
  const cached = Math.min(usage.cachedPromptTokens ?? 0, usage.promptTokens)
  const input = (usage.promptTokens - cached) * inputPerMillion + cached * cachedInputPerMillion
  return (input + usage.completionTokens * outputPerMillion) / 1e6
}
