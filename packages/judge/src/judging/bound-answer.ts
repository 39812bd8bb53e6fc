import { CemError } from '@cem/core'

/** How long an answer may be in a judge's prompt. */
export interface AnswerBound {
  /** Tokens of an answer that the judge sees, at least 1. */
  readonly maxAnswerTokens: number
  /** Tokens of a text in the judge's vocabulary, or an upper bound of them. */
  readonly countTokens: (text: string) => number
}

/** What was cut off an answer. */
export interface AnswerTruncation {
  /** Tokens of the whole answer, as `countTokens` has them. */
  readonly tokens: number
  readonly maxAnswerTokens: number
  /** UTF-16 code units of the whole answer. */
  readonly characters: number
  /** Those from its beginning that the judge saw. */
  readonly keptCharacters: number
}

export interface BoundedAnswer {
  readonly answer: string
  readonly truncation: AnswerTruncation | undefined
}

/** Stands behind what is left of an answer, in the judge's prompt. */
export const truncationMark = '\n[The answer goes on. The rest was left out here for its length.]'

/**
 * The bytes of a text in UTF-8: an upper bound of its tokens in any vocabulary whose tokens each spell a byte or more, as
 * byte-level BPE has it. English has about four bytes to a token.
 */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text)
}

/**
 * The answer, or its longest beginning of at most `maxAnswerTokens` with `truncationMark` behind it.
 *
 * @throws CemError `bad-judge-option` where `countTokens` gives something that is no count
 */
export function boundAnswer(answer: string, bound: AnswerBound): BoundedAnswer {
  const { maxAnswerTokens } = bound
  const count = (text: string) => checkedCount(bound.countTokens(text))
  const tokens = count(answer)
  if (tokens <= maxAnswerTokens) return { answer, truncation: undefined }
  let kept = 0
  let tooMany = answer.length
  while (tooMany - kept > 1) {
    const middle = Math.floor((kept + tooMany) / 2)
    if (count(beginningOf(answer, middle)) <= maxAnswerTokens) kept = middle
    else tooMany = middle
  }
  const beginning = beginningOf(answer, kept)
  const truncation = {
    tokens,
    maxAnswerTokens,
    characters: answer.length,
    keptCharacters: beginning.length,
  }
  return { answer: `${beginning}${truncationMark}`, truncation }
}

/** Never half a character: a surrogate pair at the cut stays out. */
function beginningOf(text: string, length: number): string {
  const last = text.charCodeAt(length - 1)
  const isSplit = last >= 0xd800 && last < 0xdc00
  return text.slice(0, isSplit ? length - 1 : length)
}

function checkedCount(count: number): number {
  if (Number.isFinite(count) && count >= 0) return count
  throw new CemError({
    code: 'bad-judge-option',
    message: `countTokens gave ${count} for an answer: it must give a number of tokens of at least 0.`,
    data: { count },
  })
}
