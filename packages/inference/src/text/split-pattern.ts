import { Tokenizer } from '@huggingface/tokenizers'
import { matchAllWithin } from '../model/bounded-pattern.ts'
import { echo } from '../model/echo.ts'
import { asUnicode16 } from './unicode-versions.ts'

/** Finds the pieces of a text that a pattern matches, as [start, end) in UTF-16 units. */
export type FindMatches = (text: string) => Iterable<readonly [start: number, end: number]>

/**
 * A `pattern` of tokenizer.json: `{ String }` or `{ Regex }`, in the syntax of the Oniguruma library.
 *
 * @throws Error where it is neither, or cannot be translated
 */
export function compilePattern(pattern: unknown): FindMatches {
  const { String: literal, Regex: source } = (pattern ?? {}) as Record<string, unknown>
  if (typeof literal === 'string' && literal !== '') return (text) => occurrences(text, literal)
  if (typeof source === 'string') return compileRegex(source)
  throw new Error(`a pattern is ${echo(pattern)}, neither a String nor a Regex`)
}

function compileRegex(source: string): FindMatches {
  const pattern = translate(source)
  const isKnown = familyPatterns.has(source)
  const seen = source.includes('(?i') ? (text: string) => foldLongS(asUnicode16(text)) : asUnicode16
  return (text) => (isKnown ? matches(seen(text), pattern) : matchesWithin(seen(text), pattern))
}

/** Of GPT-2, Qwen2, Llama 3 and Mistral Nemo: known to take steps in proportion to the text. */
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const ends = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]'
const lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'
const before = '[^\\r\\n\\p{L}\\p{N}]?'
export const gpt2Pattern =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
export const familyPatterns: ReadonlySet<string> = new Set([
  gpt2Pattern,
  `${contractions}|${before}\\p{L}+|\\p{N}|${ends}`,
  `${contractions}|${before}\\p{L}+|\\p{N}{1,3}|${ends}`,
  `${before}${upper}*${lower}+|${before}${upper}+${lower}*|\\p{N}|${ends.replace('[\\r\\n]*', '[\\r\\n/]*')}`,
])
/** Far above what a pattern that is meant well takes for a long text. */
const limitInMs = 10_000

/** Other patterns may be written so that they never end. */
function* matchesWithin(text: string, { source, flags }: RegExp) {
  for (const { start, end } of matchAllWithin(limitInMs, source, flags, [text])[0] ?? [])
    if (end > start) yield [start, end] as const
}

/** The library's translation of the syntax; its splitting and encoding are not used. */
function translate(source: string): RegExp {
  const pre_tokenizer = { type: 'Split', pattern: { Regex: source }, behavior: 'Isolated' }
  const model = { type: 'BPE', vocab: {}, merges: [] }
  const nothing = { normalizer: null, decoder: null, post_processor: null, added_tokens: [] }
  const library = new Tokenizer({ ...nothing, model, pre_tokenizer }, {})
  const { pattern } = library.pre_tokenizer as unknown as { pattern: RegExp | null }
  if (pattern === null) throw new Error(`the regular expression ${source} cannot be read`)
  return pattern
}

/** Without regard to case, Oniguruma takes the long s and the Kelvin sign for s and k; the translation folds ASCII alone. */
function foldLongS(text: string): string {
  return text.replaceAll('\u017f', 's').replaceAll('\u212a', 'k')
}

function* matches(text: string, pattern: RegExp): Iterable<readonly [number, number]> {
  for (const match of text.matchAll(pattern))
    if (match[0] !== '') yield [match.index, match.index + match[0].length]
}

function* occurrences(text: string, literal: string): Iterable<readonly [number, number]> {
  for (let at = text.indexOf(literal); at !== -1; at = text.indexOf(literal, at + literal.length))
    yield [at, at + literal.length]
}
