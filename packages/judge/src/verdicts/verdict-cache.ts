import type { Verdict } from './verdict.ts'

/**
 * Verdicts by their `key`. A ledger on disk can stand behind it: fill it from there before the judge starts, and nothing in
 * the ledger is asked again. A verdict that asking again may change (`isFinal` is false) is never used.
 */
export interface VerdictCache {
  /** The verdict of an equal call, where there was one. */
  get(key: string): Verdict | undefined | Promise<Verdict | undefined>
  /** Keeps a verdict under its `key`. */
  set(key: string, verdict: Verdict): void | Promise<void>
}

export interface MemoryCacheOptions {
  /** Verdicts kept; beyond it the one used longest ago goes. One takes about 3 KB. @default 20_000 */
  readonly maxEntries?: number
}

/** A cache in memory, of bounded size. */
export function createMemoryCache({ maxEntries = 20_000 }: MemoryCacheOptions = {}): VerdictCache {
  // A Map keeps the order of insertion: the first key is the one used longest ago.
  const verdicts = new Map<string, Verdict>()
  const put = (key: string, verdict: Verdict) => {
    verdicts.delete(key)
    verdicts.set(key, verdict)
  }
  return {
    get: (key) => {
      const verdict = verdicts.get(key)
      if (verdict) put(key, verdict)
      return verdict
    },
    set: (key, verdict) => {
      put(key, verdict)
      const [oldest] = verdicts.keys()
      if (verdicts.size > maxEntries && oldest !== undefined) verdicts.delete(oldest)
    },
  }
}
