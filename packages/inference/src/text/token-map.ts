import type { TokenRange } from '../engine/messages.ts'
import type { ByteRange } from './align-bytes.ts'
import type { ChatTokenizer } from './tokenizer.ts'

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
  tokensOf({ start, end }: ByteRange): TokenRange {
    if (end <= start) return { start: 0, end: 0 }
    return { start: this.#firstOffsetAbove(start) - 1, end: this.#firstOffsetNotBelow(end) }
  }

  /** Whether a token begins, or the sequence ends, at this byte. */
  isBoundary(byte: number): boolean {
    return this.#offsets[this.#firstOffsetNotBelow(byte)] === byte
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
