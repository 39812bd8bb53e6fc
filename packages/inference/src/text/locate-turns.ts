import { CemError } from '@cem/core'
import type { TokenRange } from '../engine/messages.ts'
import type { ChatMessage } from './chat-template.ts'
import type { ChatTokenizer } from './tokenizer.ts'

export interface LocatedTurn {
  readonly role: ChatMessage['role']
  /** The tokens that hold the message's words: those that share a byte with them. Empty for an empty message. */
  readonly content: TokenRange
  /** Those and what the template closes an answer with, as far as it closes this message so. */
  readonly turn: TokenRange
}

export interface LocatedConversation {
  readonly tokenIds: readonly number[]
  readonly turns: readonly LocatedTurn[]
}

/**
 * A conversation as token ids, and which of them belong to each message.
 *
 * @throws CemError `turns-not-found` where the template leaves a message out or changes its words, or the tokens are not the bytes
 *   of what the template wrote; those of `encodeChat`
 */
export function locateTurns(
  tokenizer: ChatTokenizer,
  messages: readonly ChatMessage[],
): LocatedConversation {
  const options = { addGenerationPrompt: false }
  const render = (given: readonly ChatMessage[]) => tokenizer.renderChat(given, options)
  const tokenIds = tokenizer.encodeChat(messages, options)
  const closing = tokenizer.decode(tokenizer.closingTokenIds(), { skipSpecialTokens: false })
  const { text, places } = placesOf(render, messages)
  const toTokens = tokenFinder(tokenizer, tokenIds, text)
  const turns = places.map(({ start, end }, i) => {
    const isClosed = text.startsWith(closing, end)
    const { role } = messages[i] as ChatMessage
    return {
      role,
      content: toTokens(start, end),
      turn: toTokens(start, isClosed ? end + closing.length : end),
    }
  })
  return { tokenIds, turns }
}

/** Where each message's words lie in the rendered conversation, in UTF-16 units; trimmed where the template trims them. */
function placesOf(
  render: (messages: readonly ChatMessage[]) => string,
  messages: readonly ChatMessage[],
) {
  const text = render(messages)
  for (const change of [(content: string) => content, (content: string) => content.trim()]) {
    const [open, close] = unusedMarks(text)
    const marked = messages.map(({ role, content }) => ({
      role,
      content: `${open}${change(content)}${close}`,
    }))
    const parts = render(marked).split(new RegExp(`[${open}${close}]`, 'u'))
    const isWhole = messages.every(({ content }, i) => parts[2 * i + 1] === change(content))
    if (parts.join('') !== text || parts.length !== 2 * messages.length + 1 || !isWhole) continue
    let at = 0
    const places = []
    for (const [i, part] of parts.entries()) {
      if (i % 2 === 1) places.push({ start: at, end: at + part.length })
      at += part.length
    }
    return { text, places }
  }
  throw notFound('the chat template leaves a message out or writes other words')
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

/** Finds the tokens that overlap a range of the text, through their bytes. */
function tokenFinder(tokenizer: ChatTokenizer, tokenIds: readonly number[], text: string) {
  const bytes = tokenIds.map((id) => Buffer.from(tokenizer.tokenBytes(id)))
  const whole = Buffer.concat(bytes).toString('utf8')
  // Some tokenizers compose accents before they split the text.
  const normalize = [(part: string) => part, (part: string) => part.normalize('NFC')].find(
    (change) => change(text) === whole,
  )
  if (normalize === undefined)
    throw notFound('the tokens are not the bytes of what the chat template wrote')
  const starts: number[] = []
  let size = 0
  for (const { length } of bytes) {
    starts.push(size)
    size += length
  }
  const ends = starts.map((start, i) => start + (bytes[i] as Buffer).length)
  return (start: number, end: number): TokenRange => {
    const first = Buffer.byteLength(normalize(text.slice(0, start)))
    const last = Buffer.byteLength(normalize(text.slice(0, end)))
    const from = ends.findIndex((one) => one > first)
    const to = starts.findLastIndex((one) => one < last) + 1
    return from === -1 || to <= from || first === last
      ? { start: 0, end: 0 }
      : { start: from, end: to }
  }
}

function notFound(reason: string): CemError {
  return new CemError({
    code: 'turns-not-found',
    message: `The tokens of the messages cannot be told apart: ${reason}. Score token ids with spans of your own instead.`,
  })
}
