import { echo } from '../model/echo.ts'
import { list } from './normalizer.ts'

/** A byte-pair model of tokenizer.json. */
export interface BytePairModel {
  readonly idOf: ReadonlyMap<string, number>
  /** Token ids of one word. */
  readonly encode: (word: string) => readonly number[]
}

interface Options {
  readonly byteFallback: boolean
  readonly ignoreMerges: boolean
  readonly fuseUnknown: boolean
  readonly unknown: number | undefined
}

interface Merges {
  /** By `left * idBase + right`: plain numbers, since a large vocabulary has half a million merges. */
  readonly rankOf: ReadonlyMap<number, number>
  /** The token that the merge of this rank gives. Looked up when it is first used: all at once would take a second. */
  readonly resultOf: (rank: number) => number
}

/** Ids and ranks are below it, so that two of them are an exact integer of a double. */
const idBase = 2 ** 26
/** Positions in a word are below it; a rank and a position are one number too. */
const positionBase = 2 ** 27
const encoder = new TextEncoder()
/** Words longer than that are seldom met twice. */
const longestCached = 64
const cacheSize = 20_000

/**
 * Reads the `model` of tokenizer.json.
 *
 * @throws Error for another kind of model, or options that change the encoding and are not known
 */
export function readBytePairModel(model: unknown): BytePairModel {
  const definition = (model ?? {}) as Record<string, unknown>
  check(definition)
  const idOf = readVocabulary(definition['vocab'])
  const merges = readMerges(definition['merges'], idOf)
  const unknownToken = definition['unk_token']
  const options: Options = {
    byteFallback: definition['byte_fallback'] === true,
    ignoreMerges: definition['ignore_merges'] === true,
    fuseUnknown: definition['fuse_unk'] === true,
    unknown: typeof unknownToken === 'string' ? idOf.get(unknownToken) : undefined,
  }
  if (typeof unknownToken === 'string' && options.unknown === undefined)
    throw new Error(`its unk_token ${echo(unknownToken)} is not in the vocabulary`)
  const cache = new Map<string, readonly number[]>()
  return {
    idOf,
    encode: (word) => {
      const whole = options.ignoreMerges ? idOf.get(word) : undefined
      if (whole !== undefined) return [whole]
      const cached = cache.get(word)
      if (cached !== undefined) return cached
      const ids = merged(symbolsOf(word, idOf, options), merges)
      if (cache.size >= cacheSize) cache.clear()
      if (word.length <= longestCached) cache.set(word, ids)
      return ids
    },
  }
}

function check(model: Record<string, unknown>): void {
  const { type = 'BPE' } = model
  if (type !== 'BPE') throw new Error(`its model is ${echo(type)}; BPE can be computed`)
  for (const key of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix'])
    if (model[key] !== undefined && model[key] !== null && model[key] !== '' && model[key] !== 0)
      throw new Error(`its ${key} is ${echo(model[key])}; only none can be computed`)
}

function readVocabulary(vocab: unknown): Map<string, number> {
  if (vocab === null || typeof vocab !== 'object' || Array.isArray(vocab))
    throw new Error('its model has no vocabulary')
  const ids = new Map<string, number>()
  for (const [token, id] of Object.entries(vocab)) {
    if (!(Number.isInteger(id) && id >= 0 && id < idBase))
      throw new Error(`the id of ${echo(token)} is ${echo(id)}`)
    ids.set(token, id)
  }
  return ids
}

/** Pairs, or in older files texts with a space between the parts. */
function readMerges(value: unknown, idOf: ReadonlyMap<string, number>): Merges {
  const merges = list(value, 'merges')
  const rankOf = new Map<number, number>()
  for (let rank = 0; rank < merges.length; rank++) {
    const [left, right] = partsOf(merges[rank])
    const leftId = idOf.get(left)
    const rightId = idOf.get(right)
    if (leftId === undefined || rightId === undefined) throw strangeMerge(merges[rank])
    rankOf.set(leftId * idBase + rightId, rank)
  }
  const results = new Map<number, number>()
  const resultOf = (rank: number) => {
    let id = results.get(rank)
    if (id === undefined) {
      id = idOf.get(partsOf(merges[rank]).join(''))
      if (id === undefined) throw strangeMerge(merges[rank])
      results.set(rank, id)
    }
    return id
  }
  return { rankOf, resultOf }
}

function partsOf(merge: unknown): readonly [string, string] {
  const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge
  if (Array.isArray(parts) && parts.length === 2) {
    const [left, right]: unknown[] = parts
    if (typeof left === 'string' && typeof right === 'string') return [left, right]
  }
  throw strangeMerge(merge)
}

function strangeMerge(merge: unknown): Error {
  return new Error(`the merge ${echo(merge)} is not of tokens of the vocabulary`)
}

/**
 * The ids of a word's characters; one that has none becomes its bytes, or the unknown token, or nothing where there is none.
 * The reference library writes an unknown token only before the next known character, after bytes that lie between.
 */
function symbolsOf(
  word: string,
  idOf: ReadonlyMap<string, number>,
  { byteFallback, fuseUnknown, unknown }: Options,
): number[] {
  const symbols: number[] = []
  let isWaiting = false
  const flush = () => {
    if (isWaiting && unknown !== undefined) symbols.push(unknown)
    isWaiting = false
  }
  for (const character of word) {
    const id = idOf.get(character)
    const bytes = id === undefined && byteFallback ? bytesOf(character, idOf) : undefined
    if (id !== undefined) {
      flush()
      symbols.push(id)
    } else if (bytes !== undefined) {
      for (const byte of bytes) symbols.push(byte)
    } else {
      if (!fuseUnknown) flush()
      isWaiting = true
    }
  }
  flush()
  return symbols
}

function bytesOf(character: string, idOf: ReadonlyMap<string, number>): number[] | undefined {
  const ids: number[] = []
  for (const byte of encoder.encode(character)) {
    const id = idOf.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
    if (id === undefined) return undefined
    ids.push(id)
  }
  return ids
}

/**
 * Merges neighbours, the lowest rank first and of equal ranks the leftmost, until no merge is left. Symbols are a linked list,
 * candidates a heap: n log n steps for n symbols.
 */
function merged(symbols: number[], { rankOf, resultOf }: Merges): readonly number[] {
  const n = symbols.length
  const next = Int32Array.from({ length: n }, (_, i) => i + 1)
  const previous = Int32Array.from({ length: n }, (_, i) => i - 1)
  const heap = new Heap()
  const rankAt = (at: number) => {
    const right = next[at] as number
    if (right >= n) return undefined
    return rankOf.get((symbols[at] as number) * idBase + (symbols[right] as number))
  }
  const offer = (at: number) => {
    const rank = rankAt(at)
    if (rank !== undefined) heap.push(rank * positionBase + at)
  }
  for (let at = 0; at + 1 < n; at++) offer(at)
  for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
    const at = top % positionBase
    if (symbols[at] === -1) continue
    const rank = rankAt(at)
    // The pair that was offered may have changed since.
    if (rank === undefined || rank !== Math.floor(top / positionBase)) continue
    const right = next[at] as number
    symbols[at] = resultOf(rank)
    symbols[right] = -1
    const after = next[right] as number
    next[at] = after
    if (after < n) previous[after] = at
    const before = previous[at] as number
    if (before >= 0) offer(before)
    offer(at)
  }
  return symbols.filter((id) => id !== -1)
}

/** A binary heap of numbers, the smallest first. */
class Heap {
  readonly #items: number[] = []

  push(item: number): void {
    const items = this.#items
    let at = items.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const value = items[parent] as number
      if (value <= item) break
      items[at] = value
      at = parent
    }
    items[at] = item
  }

  pop(): number | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined || items.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && (items[child + 1] as number) < (items[child] as number))
        child += 1
      const value = items[child] as number
      if (value >= last) break
      items[at] = value
      at = child
    }
    items[at] = last
    return top
  }
}
