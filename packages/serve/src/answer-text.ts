import type { ChatTokenizer } from '@cem/inference'

/** What tokens that came added to the text. */
export interface TextPiece {
  /** Text that is certain: no later token changes it, and no stop text begins in it. */
  readonly text: string
  /** Whether a stop text came; it and what follows it is not part of the answer. */
  readonly isStopped: boolean
}

/**
 * The text of an answer as its tokens come. Bytes of a character that is not whole yet, and text that could begin a stop text,
 * are held back; the pieces together are the text of all tokens, cut before the first stop text.
 */
export class AnswerText {
  readonly #tokenizer: ChatTokenizer
  readonly #stops: readonly string[]
  readonly #tokenIds: number[] = []
  /** Where each token's text begins. */
  readonly #starts: number[] = []
  /** Tokens before this one are decoded for good. */
  #settled = 0
  /** The text of the settled ones is decoded with this token as its beginning, since a decoder treats the first one apart. */
  #context = 0
  #text = ''
  #nGiven = 0
  #isStopped = false

  constructor(tokenizer: ChatTokenizer, stops: readonly string[]) {
    this.#tokenizer = tokenizer
    this.#stops = stops
  }

  /** Tokens of the answer: all, and where a stop text came those that begin before it. */
  get nTokens(): number {
    if (!this.#isStopped) return this.#tokenIds.length
    return this.#starts.filter((start) => start < this.#nGiven).length
  }

  /** Takes the next token. After a stop text there must be none. */
  add(tokenId: number): TextPiece {
    this.#tokenIds.push(tokenId)
    this.#starts.push(this.#text.length)
    const before = this.#decode(this.#context, this.#settled)
    const after = this.#decode(this.#context, this.#tokenIds.length)
    // A character that is cut off decodes to U+FFFD; one that the model means settles with the next token, or at the end.
    if (after.endsWith('\ufffd')) return { text: '', isStopped: this.#isStopped }
    this.#text += after.slice(before.length)
    this.#context = this.#settled
    this.#settled = this.#tokenIds.length
    return this.#give(false)
  }

  /** What is left when no more tokens come. */
  end(): TextPiece {
    if (this.#isStopped) return { text: '', isStopped: true }
    // Where the pieces' decoding and that of the whole differ, which no known decoder does, the whole is right.
    const whole = this.#decode(0, this.#tokenIds.length)
    if (whole.startsWith(this.#text.slice(0, this.#nGiven))) this.#text = whole
    return this.#give(true)
  }

  #give(isEnd: boolean): TextPiece {
    const stop = this.#isStopped ? -1 : firstStop(this.#text, this.#stops, this.#nGiven)
    if (stop !== -1) this.#isStopped = true
    const end =
      stop === -1 ? this.#text.length - (isEnd ? 0 : heldBack(this.#text, this.#stops)) : stop
    const text = this.#text.slice(this.#nGiven, Math.max(this.#nGiven, end))
    this.#nGiven += text.length
    return { text, isStopped: this.#isStopped }
  }

  #decode(start: number, end: number): string {
    return this.#tokenizer.decode(this.#tokenIds.slice(start, end))
  }
}

/** Where the first stop text begins, -1 for nowhere. */
function firstStop(text: string, stops: readonly string[], from: number): number {
  const found = stops.map((stop) => text.indexOf(stop, from)).filter((at) => at !== -1)
  return found.length === 0 ? -1 : Math.min(...found)
}

/** The length of the longest end of the text that a stop text begins with. */
function heldBack(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops)
    for (let n = Math.min(stop.length - 1, text.length); n > longest; n--)
      if (text.endsWith(stop.slice(0, n))) longest = n
  return longest
}
