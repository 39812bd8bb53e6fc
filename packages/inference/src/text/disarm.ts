import type { ChatMessage } from './chat-template.ts'

/** An entry of `added_tokens` in tokenizer.json. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special?: boolean
  /** Whether it takes the white space before or after it in. */
  readonly lstrip?: boolean
  readonly rstrip?: boolean
}

/** Messages whose special tokens' texts were taken out, and what stands for each of them. */
export interface Disarmed {
  readonly messages: readonly ChatMessage[]
  readonly texts: ReadonlyMap<string, string>
}

/**
 * Puts marks in place of the special tokens' texts in messages, so that in the rendered conversation only the template's own
 * are left; undefined where there are none. A mark is made of private-use characters that no message holds.
 */
export function disarm(
  messages: readonly ChatMessage[],
  special: readonly AddedToken[],
): Disarmed | undefined {
  const pattern = patternOf(special, (token) => literal(token.content))
  if (pattern === undefined) return undefined
  if (!messages.some(({ content }) => content.search(pattern) !== -1)) return undefined
  const [open, close] = unusedCharacters(messages)
  const texts = new Map<string, string>()
  const marked = messages.map(({ role, content }) => ({
    role,
    content: content.replace(pattern, (text) => {
      const mark = `${open}${texts.size}${close}`
      texts.set(mark, text)
      return mark
    }),
  }))
  return { messages: marked, texts }
}

/**
 * Encodes a conversation that was rendered from disarmed messages: the template's special tokens become their ids, and what
 * stands between them is encoded as plain text with the messages' own words back in.
 *
 * @param encode the tokenizer's, where `specialTokens: false` leaves special tokens as text
 */
export function encodeDisarmed(
  rendered: string,
  { texts }: Disarmed,
  special: readonly AddedToken[],
  encode: (text: string, options: { specialTokens: boolean }) => number[],
): number[] {
  const pattern = patternOf(
    special,
    ({ content, lstrip, rstrip }) =>
      `${lstrip === true ? '\\s*' : ''}${literal(content)}${rstrip === true ? '\\s*' : ''}`,
  )
  const parts = pattern === undefined ? [rendered] : rendered.split(pattern)
  const idOf = new Map(special.map(({ content, id }) => [content, id]))
  return parts.flatMap((part, i) => {
    // A split with a group gives texts and matches in turns.
    if (i % 2 === 1) return idOf.get(part) ?? idOf.get(part.trim()) ?? []
    const text = [...texts].reduce((all, [mark, own]) => all.replaceAll(mark, () => own), part)
    return text === '' ? [] : encode(text, { specialTokens: false })
  })
}

/** Any of the tokens, the longest first, in one group. */
function patternOf(
  special: readonly AddedToken[],
  source: (token: AddedToken) => string,
): RegExp | undefined {
  if (special.length === 0) return undefined
  const longestFirst = special.toSorted((a, b) => b.content.length - a.content.length)
  return new RegExp(`(${longestFirst.map(source).join('|')})`, 'gu')
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** Two private-use characters that are in no message. */
function unusedCharacters(messages: readonly ChatMessage[]): [string, string] {
  const used = new Set(messages.flatMap(({ content }) => Array.from(content)))
  const free: string[] = []
  for (let code = 0xf0000; free.length < 2; code++) {
    const character = String.fromCodePoint(code)
    if (!used.has(character)) free.push(character)
  }
  return free as [string, string]
}
