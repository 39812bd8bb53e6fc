import { type ChatTokenizer, locateTurns } from '@cem/inference'
import { codeTokens } from './code-tokens.ts'
import { type Conversation, checkConversation } from './conversation.ts'
import { type MovedBoundaries, movedBoundaries } from './moved-boundaries.ts'
import type { SpanTokens } from './span-ranges.ts'

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
 * A conversation as token ids, and which of them belong to each message, as `locateTurns` of @cem/inference finds them; with the
 * tokens of code blocks, and how many token boundaries moved since a model wrote the answers.
 *
 * @throws CemError `conversation-invalid` for missing messages, roles or texts; those of `locateTurns`
 */
export function locateConversation(
  tokenizer: ChatTokenizer,
  conversation: Conversation,
): LocatedConversation {
  checkConversation(conversation)
  const { id, messages } = conversation
  const { tokenIds, turns: found, map } = locateTurns(tokenizer, messages, { id })
  const turns = found.map(({ role, content, turn, bytes }, index): LocatedTurn => {
    const isEmpty = content.end === content.start
    const original = messages[index]?.original
    return {
      index,
      role,
      content,
      // Closing tokens alone are no answer.
      turn: isEmpty ? content : turn,
      code: codeTokens(map, bytes),
      isEmpty,
      boundaries:
        role === 'assistant' && !isEmpty ? movedBoundaries(map, bytes, original, tokenizer) : null,
    }
  })
  return { tokenIds, turns, nSharedTokens: countShared(turns) }
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
