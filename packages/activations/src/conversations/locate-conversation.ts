import { CemError } from '@cem/core'
import type { ChatMessage, ChatTokenizer } from '@cem/inference'
import type { TextRange } from './code-blocks.ts'
import { type Conversation, type ConversationMessage, checkConversation } from './conversation.ts'
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
    const end = isClosed ? byteRange({ start: place.end, end: place.end + closing.length }).end : 0
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

type Message = Pick<ConversationMessage, 'role' | 'content'>

/** The template is given whatever roles there are; it decides which it writes. */
function asChat(messages: readonly Message[]): ChatMessage[] {
  return messages.map(({ role, content }) => ({ role: role as ChatMessage['role'], content }))
}

/** Where each message's words lie in what the template writes, in UTF-16 units; trimmed where the template trims them. */
function placesOf(tokenizer: ChatTokenizer, messages: readonly Message[], id: string) {
  const render = (given: readonly Message[]) =>
    tokenizer.renderChat(asChat(given), { addGenerationPrompt: false })
  const text = render(messages)
  const marks = unusedMarks(text)
  const asGiven = (content: string) => content
  const trimmed = (content: string) => content.trim()
  const every = messages.map((_, index) => index)
  for (const change of [asGiven, trimmed]) {
    const places = markedPlaces(render, messages, text, { marks, change, marked: every })
    if (places !== undefined) return { text, places }
  }
  // Some templates trim the messages of some roles only.
  const places = every.map((index) => {
    for (const change of [asGiven, trimmed]) {
      const [place] = markedPlaces(render, messages, text, { marks, change, marked: [index] }) ?? []
      if (place !== undefined) return place
    }
    throw notFound(
      `the chat template leaves out message ${index} (${messages[index]?.role}) or writes other words`,
      id,
    )
  })
  return { text, places }
}

interface Marking {
  readonly marks: readonly [string, string]
  readonly change: (content: string) => string
  /** Which messages are marked. */
  readonly marked: readonly number[]
}

function markedPlaces(
  render: (messages: readonly Message[]) => string,
  messages: readonly Message[],
  text: string,
  { marks: [open, close], change, marked }: Marking,
): TextRange[] | undefined {
  const isMarked = new Set(marked)
  const given = messages.map(({ role, content }, index) => ({
    role,
    content: isMarked.has(index) ? `${open}${change(content)}${close}` : content,
  }))
  const parts = render(given).split(new RegExp(`[${open}${close}]`, 'u'))
  if (parts.length !== 2 * marked.length + 1 || parts.join('') !== text) return undefined
  let at = 0
  const places: TextRange[] = []
  for (const [i, part] of parts.entries()) {
    const message = messages[marked[(i - 1) / 2] ?? -1]
    if (i % 2 === 1) {
      if (part !== change(message?.content ?? '')) return undefined
      places.push({ start: at, end: at + part.length })
    }
    at += part.length
  }
  return places
}

/** Two private-use characters that are not in the text. */
function unusedMarks(text: string): [string, string] {
  const free: string[] = []
  for (let code = 0xf8ff; free.length < 2; code--) {
    const character = String.fromCodePoint(code)
    if (!text.includes(character)) free.push(character)
  }
  return free as [string, string]
}

/** Turns places in the text into ranges of the tokens' bytes. */
function byteFinder(map: TokenMap, text: string, id: string): (place: TextRange) => TextRange {
  const whole = map.bytes.toString('utf8')
  // Some tokenizers compose accents before they split the text.
  const normalize = [(part: string) => part, (part: string) => part.normalize('NFC')].find(
    (change) => change(text) === whole,
  )
  if (normalize === undefined)
    throw notFound('the tokens are not the bytes of what the chat template wrote', id)
  return ({ start, end }) => ({
    start: Buffer.byteLength(normalize(text.slice(0, start))),
    end: Buffer.byteLength(normalize(text.slice(0, end))),
  })
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

function notFound(reason: string, id: string): CemError {
  return new CemError({
    code: 'turns-not-found',
    message: `The tokens of the messages of conversation '${id}' cannot be told apart: ${reason}. Give token ids with spans of your own to Model.score instead.`,
    data: { id },
  })
}
