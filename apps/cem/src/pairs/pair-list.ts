import type { PairRow } from '@cem/training'

/** Pairs with the same fate. */
export interface PairGroup {
  readonly name: string
  readonly pairs: readonly PairRow[]
}

/** All pairs, those that were kept, those that were left out, and those of each reason, the most frequent first. */
export function pairGroups(pairs: readonly PairRow[]): readonly PairGroup[] {
  const byReason = new Map<string, PairRow[]>()
  for (const pair of pairs)
    for (const reason of new Set(pair.reasons)) {
      const found = byReason.get(reason)
      if (found === undefined) byReason.set(reason, [pair])
      else found.push(pair)
    }
  const reasons = [...byReason].map(([name, found]) => ({ name, pairs: found }))
  return [
    { name: 'all', pairs },
    { name: 'kept', pairs: pairs.filter(({ status }) => status === 'kept') },
    { name: 'left out', pairs: pairs.filter(({ status }) => status !== 'kept') },
    ...reasons.toSorted((a, b) => b.pairs.length - a.pairs.length),
  ]
}

/** What is looked for: words that must all be there, in any case. */
export function searchWords(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
}

/** The pairs that have all words in their prompt, their answers or their id. */
export function searchPairs(
  pairs: readonly PairRow[],
  words: readonly string[],
): readonly PairRow[] {
  if (words.length === 0) return pairs
  return pairs.filter(({ id, prompt, chosen, rejected }) => {
    const text = `${id}\n${prompt}\n${chosen}\n${rejected}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** Finds the pairs of a group with a search, and keeps the last result: each key asks for it. */
export function pairFinder(
  groups: readonly PairGroup[],
): (group: number, search: string) => readonly PairRow[] {
  let last: { readonly key: string; readonly pairs: readonly PairRow[] } | undefined
  return (group, search) => {
    const key = `${group} ${search}`
    if (last?.key !== key)
      last = { key, pairs: searchPairs(groups[group]?.pairs ?? [], searchWords(search)) }
    return last.pairs
  }
}
