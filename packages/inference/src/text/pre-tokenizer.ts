import { echo } from '../model/echo.ts'
import { toByteCharacters } from './byte-level.ts'
import { list, string } from './normalizer.ts'
import { compilePattern, type FindMatches, gpt2Pattern } from './split-pattern.ts'

/** Splits a text into the words that are encoded apart. `isFirst` says whether a piece stands at the very beginning. */
export type PreTokenize = (pieces: readonly string[], isFirst: boolean) => readonly string[]

/**
 * The `pre_tokenizer` of tokenizer.json as a function.
 *
 * @throws Error for one that is not known
 */
export function compilePreTokenizer(definition: unknown): PreTokenize {
  if (definition === null || definition === undefined) return (pieces) => pieces
  const { type, ...options } = definition as Record<string, unknown>
  switch (type) {
    case 'Sequence': {
      const steps = list(options['pretokenizers'], 'pretokenizers').map(compilePreTokenizer)
      return (pieces, isFirst) => steps.reduce((all, step) => step(all, isFirst), pieces)
    }
    case 'Split':
      return split(compilePattern(options['pattern']), options['behavior'], options['invert'])
    case 'Digits':
      return split(
        compilePattern({ Regex: '\\p{N}' }),
        options['individual_digits'] === true ? 'Isolated' : 'Contiguous',
      )
    case 'ByteLevel':
      return byteLevel(options)
    case 'Metaspace':
      return metaspace(options)
    default:
      throw new Error(
        `its pre_tokenizer is ${echo(type)}; Split, ByteLevel, Metaspace, Digits and Sequence can be computed`,
      )
  }
}

function byteLevel(options: Record<string, unknown>): PreTokenize {
  const words =
    options['use_regex'] === false
      ? undefined
      : split(compilePattern({ Regex: gpt2Pattern }), 'Isolated')
  const prefix = (text: string) => (text.startsWith(' ') ? text : ` ${text}`)
  return (pieces, isFirst) => {
    const prefixed = options['add_prefix_space'] === true ? pieces.map(prefix) : pieces
    return (words?.(prefixed, isFirst) ?? prefixed).map(toByteCharacters)
  }
}

/** Spaces become a mark, which also goes before the first piece or before every piece. */
function metaspace(options: Record<string, unknown>): PreTokenize {
  const mark = string(options['replacement'] ?? '\u2581', 'replacement')
  const before = options['add_prefix_space'] === false ? 'never' : 'always'
  const scheme = string(options['prepend_scheme'] ?? before, 'prepend_scheme').toLowerCase()
  const words =
    options['split'] === false
      ? undefined
      : split(compilePattern({ String: mark }), 'MergedWithNext')
  return (pieces, isFirst) => {
    const marked = pieces.map((piece, i) => {
      const text = piece.replaceAll(' ', () => mark)
      const wanted = scheme === 'always' || (scheme === 'first' && isFirst && i === 0)
      return wanted && !text.startsWith(mark) ? mark + text : text
    })
    return words?.(marked, isFirst) ?? marked
  }
}

interface Piece {
  start: number
  end: number
  readonly isMatch: boolean
}

/** What becomes of a matched piece beside the one before it; the names of tokenizer.json. */
const joins: Readonly<Record<string, (piece: Piece, previous: Piece) => boolean>> = {
  removed: () => false,
  isolated: () => false,
  mergedwithprevious: (piece, previous) => piece.isMatch && !previous.isMatch,
  mergedwithnext: (piece, previous) => !piece.isMatch && previous.isMatch,
  contiguous: (piece, previous) => piece.isMatch === previous.isMatch,
}

function split(find: FindMatches, behavior: unknown, invert: unknown = false): PreTokenize {
  const name = String(behavior).toLowerCase()
  const join = Object.hasOwn(joins, name) ? joins[name] : undefined
  if (join === undefined)
    throw new Error(
      `a Split's behavior is ${echo(behavior)}; Removed, Isolated, MergedWithPrevious, MergedWithNext and Contiguous are known`,
    )
  return (pieces) =>
    pieces.flatMap((text) => {
      const all = cut(text, find, invert === true)
      const kept = name === 'removed' ? all.filter(({ isMatch }) => !isMatch) : joined(all, join)
      return kept.map(({ start, end }) => text.slice(start, end))
    })
}

function joined(
  pieces: readonly Piece[],
  join: (piece: Piece, previous: Piece) => boolean,
): Piece[] {
  const all: Piece[] = []
  for (const [i, piece] of pieces.entries()) {
    const last = all.at(-1)
    const previous = pieces[i - 1]
    if (last && previous && join(piece, previous)) last.end = piece.end
    else all.push({ ...piece })
  }
  return all
}

/** The text as matched pieces and those between. */
function cut(text: string, find: FindMatches, invert: boolean): Piece[] {
  const pieces: Piece[] = []
  let at = 0
  for (const [start, end] of find(text)) {
    if (start > at) pieces.push({ start: at, end: start, isMatch: invert })
    pieces.push({ start, end, isMatch: !invert })
    at = end
  }
  if (at < text.length) pieces.push({ start: at, end: text.length, isMatch: invert })
  return pieces
}
