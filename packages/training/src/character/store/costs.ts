import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type JournalContent, readJournal } from './journal.ts'
import type { StageCost } from './manifest.ts'

/** What a journal's sessions have cost by their own last words, and the tokens of its answers. */
export function costOf({ answers, spent }: JournalContent): StageCost {
  const records = [...answers.values()]
  const sessions = [...spent.values()]
  return {
    usd: sessions.length === 0 ? null : sum(sessions.map(({ usd }) => usd)),
    possibleUsd: sessions.length === 0 ? null : sum(sessions.map((one) => one.possibleUsd)),
    promptTokens: sum(records.map(({ promptTokens }) => promptTokens)),
    completionTokens: sum(records.map(({ completionTokens }) => completionTokens)),
  }
}

/** What all journals of a folder have cost in USD, also those that were set aside: the money is spent. */
export async function spentBefore(journals: string): Promise<number> {
  const names = await readdir(journals).catch(() => [])
  let usd = 0
  for (const name of names.filter((one) => one.endsWith('.jsonl')))
    for (const spent of (await readJournal(join(journals, name))).spent.values())
      usd += spent.usd + spent.possibleUsd
  return usd
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}
