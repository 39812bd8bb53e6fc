import { CemError } from '@cem/core'
import type { ChatMessage, ChatTokenizer } from '@cem/inference'
import type { TextRange } from './code-blocks.ts'
import type { ConversationMessage } from './conversation.ts'

type Message = Pick<ConversationMessage, 'role' | 'content'>

export interface MessagePlaces {
  /** The conversation as the chat template writes it. */
  readonly text: string
  /** Where each message's words lie in it, in UTF-16 units; without the white space that the template strips. */
  readonly places: readonly TextRange[]
}

/** The template is given whatever roles there are; it decides which it writes. */
export function asChat(messages: readonly Message[]): ChatMessage[] {
  return messages.map(({ role, content }) => ({ role: role as ChatMessage['role'], content }))
}

/**
 * Finds messages in what the chat template writes. First each is put between marks that no message holds; where that changes what
 * the template writes (it strips white space, which the marks keep), marks stand in for the messages, and what the template writes
 * around them tells where the real ones begin and end.
 *
 * @throws CemError `turns-not-found`
 */
export function placesOf(
  tokenizer: Pick<ChatTokenizer, 'renderChat'>,
  messages: readonly Message[],
  id: string,
): MessagePlaces {
  const render = (given: readonly Message[]) =>
    tokenizer.renderChat(asChat(given), { addGenerationPrompt: false })
  const text = render(messages)
  const marks = unusedMarks(text)
  const places =
    betweenMarks(render, messages, text, marks) ?? inPlaceOfMarks(render, messages, text, marks)
  if (Array.isArray(places)) return { text, places }
  const { missing } = places
  const { role } = messages[missing] as Message
  throw turnsNotFound(
    `the chat template leaves out message ${missing} (${role}) or writes other words`,
    id,
  )
}

type Render = (messages: readonly Message[]) => string
type Marks = readonly [open: string, close: string]

/** The message that is not there. */
interface Missing {
  readonly missing: number
}

function betweenMarks(
  render: Render,
  messages: readonly Message[],
  text: string,
  [open, close]: Marks,
): TextRange[] | undefined {
  const marked = messages.map(({ role, content }) => ({
    role,
    content: `${open}${content}${close}`,
  }))
  const parts = render(marked).split(new RegExp(`[${open}${close}]`, 'u'))
  const isWhole = messages.every(({ content }, i) => parts[2 * i + 1] === content)
  if (!isWhole || parts.length !== 2 * messages.length + 1 || parts.join('') !== text)
    return undefined
  let at = 0
  const places: TextRange[] = []
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 1) places.push({ start: at, end: at + part.length })
    at += part.length
  }
  return places
}

function inPlaceOfMarks(
  render: Render,
  messages: readonly Message[],
  text: string,
  [open, close]: Marks,
): TextRange[] | Missing {
  // Templates may leave out empty messages, and would not leave out a mark.
  const marked = messages.map(({ role, content }, i) => ({
    role,
    content: content === '' ? '' : `${open}${i}${close}`,
  }))
  const parts = render(marked).split(new RegExp(`${open}(\\d+)${close}`, 'u'))
  const places: TextRange[] = messages.map(() => ({ start: 0, end: 0 }))
  const isFound = messages.map(({ content }) => content === '')
  let at = parts[0]?.length ?? 0
  if (!text.startsWith(parts[0] ?? '')) return { missing: 0 }
  // A template may write messages in another order: Mistral's puts the system prompt before the last question.
  for (let i = 1; i < parts.length; i += 2) {
    const index = Number(parts[i])
    const next = parts[i + 1] ?? ''
    const content = strippedForms(messages[index]?.content ?? '').find((form) => {
      const end = at + form.length + next.length
      return text.startsWith(form + next, at) && (i + 2 < parts.length || end === text.length)
    })
    if (content === undefined || isFound[index] === true) return { missing: index }
    isFound[index] = true
    places[index] = { start: at, end: at + content.length }
    at += content.length + next.length
  }
  const missing = isFound.indexOf(false)
  return missing === -1 ? places : { missing }
}

/** White space to Python's `strip`: what JavaScript's `trim` takes off, but for U+FEFF, and five controls. */
function isPythonSpace(character: string): boolean {
  return '\x1c\x1d\x1e\x1f\x85'.includes(character) || /[^\S\ufeff]/u.test(character)
}

/** What a template may make of a text: as it is, or without the white space at its ends. */
function strippedForms(content: string): string[] {
  let start = 0
  let end = content.length
  while (start < end && isPythonSpace(content[start] as string)) start++
  while (end > start && isPythonSpace(content[end - 1] as string)) end--
  return [content, content.slice(start, end), content.slice(start), content.slice(0, end)]
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

export function turnsNotFound(reason: string, id: string): CemError {
  return new CemError({
    code: 'turns-not-found',
    message: `The tokens of the messages of conversation '${id}' cannot be told apart: ${reason}. Give token ids with spans of your own to Model.score instead.`,
    data: { id },
  })
}
