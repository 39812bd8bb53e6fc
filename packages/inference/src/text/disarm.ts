import type { AddedToken } from './added-tokens.ts'
import type { ChatMessage } from './chat-template.ts'
import type { TextCodec } from './text-codec.ts'

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
  const pattern = patternOf(special)
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
 */
export function encodeDisarmed(rendered: string, { texts }: Disarmed, codec: TextCodec): number[] {
  return codec.splitSpecial(rendered).flatMap((piece) => {
    if ('id' in piece) return [piece.id]
    const text = [...texts].reduce(
      (all, [mark, own]) => all.replaceAll(mark, () => own),
      piece.text,
    )
    return codec.encode(text, { specialTokens: false, isFirst: piece.isFirst })
  })
}

/** Any of the tokens' texts, the longest first. */
function patternOf(special: readonly AddedToken[]): RegExp | undefined {
  const texts = special.map(({ content }) => content).filter((content) => content !== '')
  if (texts.length === 0) return undefined
  const longestFirst = texts.toSorted((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map(literal).join('|'), 'gu')
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
