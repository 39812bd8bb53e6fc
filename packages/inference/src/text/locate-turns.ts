import { CemError } from '@cem/core'
import type { TokenRange } from '../engine/messages.ts'
import { alignBytes, type ByteRange } from './align-bytes.ts'
import type { ChatMessage } from './chat-template.ts'
import { placesOf, type TextPlace } from './message-places.ts'
import { TokenMap } from './token-map.ts'
import type { ChatTokenizer } from './tokenizer.ts'

/** A message of any role that the model's chat template writes. */
export interface TurnMessage<Role extends string = string> {
  readonly role: Role
  readonly content: string
}

export interface TurnTokens<Role extends string = string> {
  readonly role: Role
  /** The tokens that hold the message's words: those that share a byte with them. Empty for a message without words. */
  readonly content: TokenRange
  /** Those and what the template closes an answer with, as far as it closes this message so. */
  readonly turn: TokenRange
  /** Where the words lie in `map.bytes`: empty for a message that is empty, or white space that the template strips. */
  readonly bytes: ByteRange
}

export interface ConversationTokens<Role extends string = string> {
  readonly tokenIds: readonly number[]
  /** One for each message, in order. */
  readonly turns: readonly TurnTokens<Role>[]
  /** The bytes of the tokens. */
  readonly map: TokenMap
}

export interface LocateTurnsOptions {
  /** Names the conversation in errors. */
  readonly id?: string
}

/**
 * A conversation as token ids, and which of them belong to each message: the chat template writes it whole, the tokenizer reads
 * that, and the messages are found by their bytes, whatever the template strips from their ends and in whatever order it writes
 * them. A token that holds bytes of two messages counts for both.
 *
 * @throws CemError `turns-not-found` where the template leaves a message out or changes its words, or the tokens are not the bytes
 *   of what the template wrote; those of `encodeChat`
 */
export function locateTurns<Role extends string>(
  tokenizer: ChatTokenizer,
  messages: readonly TurnMessage<Role>[],
  { id }: LocateTurnsOptions = {},
): ConversationTokens<Role> {
  const options = { addGenerationPrompt: false }
  const given = messages.map(({ role, content }) => ({ role, content: content.toWellFormed() }))
  const found = placesOf((shown) => tokenizer.renderChat(asChat(shown), options), given)
  if ('missing' in found) {
    const { missing } = found
    throw notFound(
      `the chat template leaves out message ${missing} (${messages[missing]?.role}) or writes other words`,
      id,
    )
  }
  const { text, places } = found
  const tokenIds = tokenizer.encodeChat(asChat(given), options)
  const map = new TokenMap(tokenizer, tokenIds)
  const byteRange = byteFinder(map, text, id)
  const closing = tokenizer.decode(tokenizer.closingTokenIds(), { skipSpecialTokens: false })
  const turns = places.map(({ start, end }, i) => {
    const { role } = given[i] as TurnMessage<Role>
    const bytes = byteRange({ start, end })
    const isClosed = closing !== '' && text.startsWith(closing, end)
    const whole = isClosed ? byteRange({ start, end: end + closing.length }) : bytes
    return { role, content: map.tokensOf(bytes), turn: map.tokensOf(whole), bytes }
  })
  return { tokenIds, turns, map }
}

/** The template is given whatever roles there are; it decides which it writes. */
function asChat(messages: readonly TurnMessage[]): ChatMessage[] {
  return messages.map(({ role, content }) => ({ role: role as ChatMessage['role'], content }))
}

/** Turns places in the text into ranges of the tokens' bytes. */
function byteFinder(
  map: TokenMap,
  text: string,
  id: string | undefined,
): (place: TextPlace) => ByteRange {
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
  throw notFound('the tokens are not the bytes of what the chat template wrote', id)
}

function notFound(reason: string, id: string | undefined): CemError {
  const whose = id === undefined ? '' : ` of conversation '${id}'`
  return new CemError({
    code: 'turns-not-found',
    message: `The tokens of the messages${whose} cannot be told apart: ${reason}. Give token ids with spans of your own to Model.score instead.`,
    data: id === undefined ? {} : { id },
  })
}
