import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Verdict } from '@cem/judge'

/**
 * Whole verdicts by key, from the ledgers of a run. The ledgers of a long run are large: lines are looked through for the keys,
 * and those of other verdicts are not parsed.
 */
export async function readVerdicts(
  storeFolder: string,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Verdict>> {
  const found = new Map<string, Verdict>()
  const folder = join(storeFolder, 'verdicts')
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((one) => one.endsWith('.jsonl'))) {
    if (found.size === new Set(keys).size) break
    const input = createReadStream(join(folder, name), 'utf8')
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
    try {
      for await (const line of lines) {
        if (signal?.aborted === true) return found
        const key = keys.find((one) => line.includes(one))
        const verdict = key === undefined ? undefined : parsed(line)
        if (verdict !== undefined && keys.includes(verdict.key)) found.set(verdict.key, verdict)
        if (found.size === new Set(keys).size) break
      }
    } finally {
      lines.close()
      input.destroy()
    }
  }
  return found
}

/** The last line may be one that is being written. */
function parsed(line: string): Verdict | undefined {
  try {
    return JSON.parse(line) as Verdict
  } catch {
    return undefined
  }
}

/** A token that the judge might have said, with its probability. */
export interface JudgeToken {
  readonly token: string
  readonly probability: number
}

/** The likeliest tokens of the judge's first, most probable first; none where the protocol has no log probabilities. */
export function judgeTokens(verdict: Verdict): JudgeToken[] {
  const all = verdict.topLogprobs ?? verdict.continuationLogprobs ?? []
  return all
    .map(({ token, logprob }) => ({ token, probability: Math.exp(logprob) }))
    .toSorted((a, b) => b.probability - a.probability)
}
