import { echo } from '../model/echo.ts'
import type { Normalize } from './normalizer.ts'

/** An entry of `added_tokens` in tokenizer.json. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special?: boolean
  /** Whether it is looked for in the normalized text. */
  readonly normalized?: boolean
  /** Whether it is found only where no letter, digit or underline is beside it. */
  readonly single_word?: boolean
  /** Whether it takes the white space before or after it in. */
  readonly lstrip?: boolean
  readonly rstrip?: boolean
}

/** A piece of a text: an added token, or what lies between two of them. */
export type Piece = { readonly id: number } | { readonly text: string; readonly isFirst: boolean }

/** What of a text's tokens is found: `special` ones may be left as text. */
export type SplitOff = (text: string, isFirst: boolean, special: boolean) => readonly Piece[]

/**
 * Reads `added_tokens`.
 *
 * @throws Error for an entry without a whole number as its id or a text
 */
export function readAddedTokens(value: unknown): readonly AddedToken[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new Error('its added_tokens are no list')
  return value.map((entry) => {
    const { id, content } = (entry ?? {}) as Partial<AddedToken>
    if (!(Number.isInteger(id) && Number(id) >= 0 && Number(id) < 2 ** 26))
      throw new Error(`an added token has the id ${echo(id)}`)
    if (typeof content !== 'string') throw new Error(`the added token ${id} has no text`)
    return entry as AddedToken
  })
}

/** Where a token stands in a text, in UTF-16 units. */
interface Found {
  readonly token: AddedToken
  readonly start: number
  readonly end: number
}

const wordAtEnd = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]$/u
const wordAtStart = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]/u
const space = /^\p{White_Space}$/u

/**
 * Takes added tokens out of a text: of those that begin at one place the longest, from left to right.
 *
 * @param tokens which ones
 * @param normalize what was done to the text, and so to the tokens' own
 */
export function splitterOf(tokens: readonly AddedToken[], normalize: Normalize): SplitOff {
  const byText = new Map(tokens.map((token) => [normalize(token.content), token]))
  byText.delete('')
  if (byText.size === 0) return (text, isFirst) => (text === '' ? [] : [{ text, isFirst }])
  const pattern = literalPattern([...byText.keys()])
  return (text, isFirst, special) => {
    const pieces: Piece[] = []
    let at = 0
    for (const { token, start, end } of findTokens(text, pattern, byText, special)) {
      if (start > at) pieces.push({ text: text.slice(at, start), isFirst: isFirst && at === 0 })
      pieces.push({ id: token.id })
      at = end
    }
    if (at < text.length) pieces.push({ text: text.slice(at), isFirst: isFirst && at === 0 })
    return pieces
  }
}

function* findTokens(
  text: string,
  pattern: RegExp,
  byText: ReadonlyMap<string, AddedToken>,
  special: boolean,
): Generator<Found, void> {
  let taken = 0
  for (const { 0: own, index } of text.matchAll(pattern)) {
    const token = byText.get(own) as AddedToken
    let [start, end] = [index, index + own.length]
    // As in the reference library, other tokens inside a special one that is left as text are not found either.
    if (token.special === true && !special) continue
    if (token.single_word === true && !standsAlone(text, start, end)) continue
    if (token.lstrip === true) while (start > taken && space.test(text.charAt(start - 1))) start--
    if (token.rstrip === true) while (space.test(text.charAt(end))) end++
    taken = end
    yield { token, start, end }
  }
}

function standsAlone(text: string, start: number, end: number): boolean {
  return (
    !wordAtEnd.test(text.slice(Math.max(0, start - 2), start)) &&
    !wordAtStart.test(text.slice(end, end + 2))
  )
}

/** Any of the texts, of those that begin alike the longest first. */
function literalPattern(texts: readonly string[]): RegExp {
  const longestFirst = texts.toSorted((a, b) => b.length - a.length)
  const literals = longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  return new RegExp(literals.join('|'), 'gu')
}
