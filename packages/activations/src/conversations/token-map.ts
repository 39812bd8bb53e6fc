import type { ChatTokenizer, TokenRange } from '@cem/inference'
import { fencedCodeBlocks, type TextRange } from './code-blocks.ts'

/** Where the bytes of each token of a sequence lie. */
export class TokenMap {
  readonly bytes: Buffer
  /** Byte offsets of the tokens, and of their end: [nTokens + 1]. */
  readonly #offsets: Float64Array

  constructor(tokenizer: Pick<ChatTokenizer, 'tokenBytes'>, tokenIds: readonly number[]) {
    const parts = tokenIds.map((id) => tokenizer.tokenBytes(id))
    this.bytes = Buffer.concat(parts)
    this.#offsets = new Float64Array(parts.length + 1)
    for (const [i, part] of parts.entries())
      this.#offsets[i + 1] = (this.#offsets[i] as number) + part.length
  }

  /** The tokens that share a byte with a range of bytes; `{ start: 0, end: 0 }` for an empty range. */
  tokensOf({ start, end }: TextRange): TokenRange {
    if (end <= start) return { start: 0, end: 0 }
    return { start: this.#firstOffsetAbove(start) - 1, end: this.#firstOffsetNotBelow(end) }
  }

  /** Whether a token begins, or the sequence ends, at this byte. */
  isBoundary(byte: number): boolean {
    return this.#offsets[this.#firstOffsetNotBelow(byte)] === byte
  }

  /** The tokens of fenced code blocks within a range of bytes: each that shares a byte with one. */
  codeTokens({ start, end }: TextRange): TokenRange[] {
    // As Latin-1, a character is a byte, so that offsets need no translation.
    const text = this.bytes.toString('latin1', start, end)
    return mergeRanges(
      fencedCodeBlocks(text).map((block) =>
        this.tokensOf({ start: start + block.start, end: start + block.end }),
      ),
    )
  }

  #firstOffsetNotBelow(byte: number): number {
    return this.#search((offset) => offset >= byte)
  }

  #firstOffsetAbove(byte: number): number {
    return this.#search((offset) => offset > byte)
  }

  #search(isReached: (offset: number) => boolean): number {
    let low = 0
    let high = this.#offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isReached(this.#offsets[middle] as number)) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Ranges in order, those that touch or overlap as one. */
function mergeRanges(ranges: readonly TokenRange[]): TokenRange[] {
  const merged: TokenRange[] = []
  for (const range of ranges) {
    const last = merged.at(-1)
    if (range.end <= range.start) continue
    if (last !== undefined && range.start <= last.end)
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) }
    else merged.push(range)
  }
  return merged
}
