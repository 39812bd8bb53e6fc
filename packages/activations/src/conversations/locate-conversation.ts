import type { ChatTokenizer } from '@cem/inference'
import { alignBytes } from './align-bytes.ts'
import type { TextRange } from './code-blocks.ts'
import { type Conversation, type ConversationMessage, checkConversation } from './conversation.ts'
import { asChat, placesOf, turnsNotFound } from './message-places.ts'
import { type MovedBoundaries, movedBoundaries } from './moved-boundaries.ts'
import type { SpanTokens } from './span-ranges.ts'
import { TokenMap } from './token-map.ts'

/** The tokens of one message. */
export interface LocatedTurn extends SpanTokens {
  /** Index of the message. */
  readonly index: number
  readonly role: string
  /** The message has no tokens: it is empty, or white space that the template strips. */
  readonly isEmpty: boolean
  /** For an assistant's message, which a model once wrote in tokens of its own; null for others and empty ones. */
  readonly boundaries: MovedBoundaries | 'unknown' | null
}

export interface LocatedConversation {
  readonly tokenIds: readonly number[]
  /** One for each message, in order. */
  readonly turns: readonly LocatedTurn[]
  /** Tokens that hold bytes of two messages, and count for both: only where a template puts nothing between them. */
  readonly nSharedTokens: number
}

/**
 * A conversation as token ids, and which of them belong to each message: the chat template writes it whole, the tokenizer
 * reads that, and the messages are found by their bytes. A token belongs to a message if it shares a byte with it.
 *
 * @throws CemError `conversation-invalid` for missing messages, roles or texts; `turns-not-found` where the template leaves a
 * message out or changes its words; those of `ChatTokenizer.encodeChat`
 */
export function locateConversation(
  tokenizer: ChatTokenizer,
  conversation: Conversation,
): LocatedConversation {
  checkConversation(conversation)
  const { messages } = conversation
  const given = messages.map(({ role, content }) => ({ role, content: content.toWellFormed() }))
  const { text, places } = placesOf(tokenizer, given, conversation.id)
  const tokenIds = tokenizer.encodeChat(asChat(given), { addGenerationPrompt: false })
  const map = new TokenMap(tokenizer, tokenIds)
  const byteRange = byteFinder(map, text, conversation.id)
  const closing = tokenizer.decode(tokenizer.closingTokenIds(), { skipSpecialTokens: false })
  const turns = places.map((place, index): LocatedTurn => {
    const { role, original } = messages[index] as ConversationMessage
    const isClosed = closing !== '' && text.startsWith(closing, place.end)
    const content = byteRange(place)
    const end = isClosed
      ? byteRange({ start: place.start, end: place.end + closing.length }).end
      : 0
    const tokens = map.tokensOf(content)
    const isEmpty = tokens.end === tokens.start
    const turn = map.tokensOf({ start: content.start, end: Math.max(content.end, end) })
    return {
      index,
      role,
      content: tokens,
      turn: isEmpty ? tokens : turn,
      code: map.codeTokens(content),
      isEmpty,
      boundaries:
        role === 'assistant' && !isEmpty
          ? movedBoundaries(map, content, original, tokenizer)
          : null,
    }
  })
  return { tokenIds, turns, nSharedTokens: countShared(turns) }
}

/** Turns places in the text into ranges of the tokens' bytes. */
function byteFinder(map: TokenMap, text: string, id: string): (place: TextRange) => TextRange {
  const bytesOf = (part: string) => Buffer.byteLength(part)
  // Some tokenizers compose accents before they split the text.
  for (const normalize of [(part: string) => part, (part: string) => part.normalize('NFC')]) {
    const align = alignBytes(Buffer.from(normalize(text)), map)
    if (align === undefined) continue
    return ({ start, end }) =>
      align({
        start: bytesOf(normalize(text.slice(0, start))),
        end: bytesOf(normalize(text.slice(0, end))),
      })
  }
  throw turnsNotFound('the tokens are not the bytes of what the chat template wrote', id)
}

function countShared(turns: readonly LocatedTurn[]): number {
  let nShared = 0
  let end = 0
  for (const { content, isEmpty } of turns) {
    if (isEmpty) continue
    nShared += Math.max(0, end - content.start)
    end = Math.max(end, content.end)
  }
  return nShared
}
