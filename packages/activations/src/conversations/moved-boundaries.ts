import type { ByteRange, ChatTokenizer, TokenMap } from '@cem/inference'
import type { OriginalTokens } from './conversation.ts'

/** How the tokens of a text that was tokenized again compare with those that the model wrote it in. */
export interface MovedBoundaries {
  /** Ends of original tokens (and the start of the first) where no token begins or ends any more. */
  readonly nMoved: number
  /** Boundaries that the original tokens have: one more than there are tokens. */
  readonly nOriginal: number
}

/**
 * Counts the token boundaries of a message that moved when its text was tokenized again.
 *
 * @param content where the message's bytes lie
 * @returns 'unknown' where the original tokens are not known, or are not those of this text
 */
export function movedBoundaries(
  map: TokenMap,
  content: ByteRange,
  original: OriginalTokens | undefined,
  tokenizer: Pick<ChatTokenizer, 'tokenBytes'>,
): MovedBoundaries | 'unknown' {
  if (original === undefined) return 'unknown'
  const pieces =
    'ids' in original ? original.ids.map((id) => tokenizer.tokenBytes(id)) : original.bytes
  let at = content.start
  let nOriginal = 1
  let nMoved = map.isBoundary(at) ? 0 : 1
  for (const piece of pieces) {
    // What follows the text is what ended the answer: a stop token.
    if (at === content.end) break
    const next = at + piece.length
    if (next > content.end || !map.bytes.subarray(at, next).equals(piece)) return 'unknown'
    if (piece.length === 0) continue
    at = next
    nOriginal += 1
    if (!map.isBoundary(at)) nMoved += 1
  }
  return at === content.end ? { nMoved, nOriginal } : 'unknown'
}
