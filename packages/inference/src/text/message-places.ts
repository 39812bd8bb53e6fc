import { isPythonSpace } from './python-spaces.ts'

interface Message {
  readonly role: string
  readonly content: string
}

/** UTF-16 units from `start` to before `end`. */
export interface TextPlace {
  readonly start: number
  readonly end: number
}

export interface MessagePlaces {
  /** The conversation as the chat template writes it. */
  readonly text: string
  /** Where each message's words lie in it; without the white space that the template strips. */
  readonly places: readonly TextPlace[]
}

/** The message that the template leaves out, or whose words it changes. */
export interface MissingMessage {
  readonly missing: number
}

type Render = (messages: readonly Message[]) => string
type Marks = readonly [open: string, close: string]

/**
 * Finds messages in what the chat template writes. First each is put between marks that no message holds; where that changes what
 * the template writes (it strips white space, which the marks keep), marks stand in for the messages, and what the template writes
 * around them tells where the real ones begin and end.
 */
export function placesOf(
  render: Render,
  messages: readonly Message[],
): MessagePlaces | MissingMessage {
  const text = render(messages)
  const marks = unusedMarks(text)
  const places =
    betweenMarks(render, messages, text, marks) ?? inPlaceOfMarks(render, messages, text, marks)
  return 'missing' in places ? places : { text, places }
}

function betweenMarks(
  render: Render,
  messages: readonly Message[],
  text: string,
  [open, close]: Marks,
): TextPlace[] | undefined {
  const marked = messages.map(({ role, content }) => ({
    role,
    content: `${open}${content}${close}`,
  }))
  const parts = render(marked).split(new RegExp(`[${open}${close}]`, 'u'))
  const isWhole = messages.every(({ content }, i) => parts[2 * i + 1] === content)
  if (!isWhole || parts.length !== 2 * messages.length + 1 || parts.join('') !== text)
    return undefined
  let at = 0
  const places: TextPlace[] = []
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
): TextPlace[] | MissingMessage {
  // Templates may leave out empty messages, and would not leave out a mark.
  const marked = messages.map(({ role, content }, i) => ({
    role,
    content: content === '' ? '' : `${open}${i}${close}`,
  }))
  const parts = render(marked).split(new RegExp(`${open}(\\d+)${close}`, 'u'))
  const places: TextPlace[] = messages.map(() => ({ start: 0, end: 0 }))
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
