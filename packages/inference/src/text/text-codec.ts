import { echo } from '../model/echo.ts'
import { type AddedToken, type Piece, readAddedTokens, splitterOf } from './added-tokens.ts'
import { readBytePairModel } from './byte-pair-encoding.ts'
import { compileDecoder } from './decoder.ts'
import { compileNormalizer, type Normalize } from './normalizer.ts'
import { compilePreTokenizer, type PreTokenize } from './pre-tokenizer.ts'

/** What a tokenizer.json says: how texts become ids, and ids texts. */
export interface TextCodec {
  readonly addedTokens: readonly AddedToken[]
  /** Every id that stands for something. */
  readonly ids: Iterable<number>
  /** A text as its special tokens and the texts between them. */
  splitSpecial(text: string): readonly Piece[]
  /** Ids of a text in which the added tokens that are not special are found, and the special ones where asked for. */
  encode(text: string, options: { specialTokens: boolean; isFirst?: boolean }): number[]
  decode(ids: readonly number[], options: { skipSpecialTokens: boolean }): string
}

/**
 * Compiles a tokenizer.json. Its post-processor, truncation and padding are not used.
 *
 * @throws Error that says what in it is unknown or broken
 */
export function compileTokenizer(definition: unknown): TextCodec {
  const parts = (definition ?? {}) as Record<string, unknown>
  const addedTokens = readAddedTokens(parts['added_tokens'])
  const model = readBytePairModel(parts['model'])
  checkIds(addedTokens, model.idOf)
  const tokenOf = new Map<number, string>()
  for (const [token, id] of model.idOf) tokenOf.set(id, token)
  const normalize = compileNormalizer(parts['normalizer'])
  for (const token of addedTokens)
    tokenOf.set(token.id, isNormalized(token) ? normalize(token.content) : token.content)
  const special = addedTokens.filter((token) => token.special === true)
  const isSpecial = new Set(special.map(({ content }) => content))
  const encode = textEncoder(
    normalize,
    compilePreTokenizer(parts['pre_tokenizer']),
    model.encode,
    addedTokens,
  )
  const decode = compileDecoder(parts['decoder'])
  const splitSpecial = splitterOf(special, (text) => text)
  return {
    addedTokens,
    ids: tokenOf.keys(),
    splitSpecial: (text) => splitSpecial(text, true, true),
    encode: (text, { specialTokens, isFirst = true }) =>
      encode(text.toWellFormed(), isFirst, specialTokens),
    decode: (ids, { skipSpecialTokens }) => {
      const tokens = ids.map((id) => tokenOf.get(id)).filter((token) => token !== undefined)
      return decode(skipSpecialTokens ? tokens.filter((token) => !isSpecial.has(token)) : tokens)
    },
  }
}

/**
 * An added token has the id that the vocabulary gives it, or the next free one: the reference library gives out these, whatever the
 * file says.
 */
function checkIds(added: readonly AddedToken[], idOf: ReadonlyMap<string, number>): void {
  const given = new Map<string, number>()
  let next = idOf.size
  for (const { id, content } of added) {
    if (content === '') continue
    const expected = idOf.get(content) ?? given.get(content) ?? next
    if (id !== expected)
      throw new Error(
        `the added token ${echo(content)} has the id ${id}, and Transformers would give it ${expected}`,
      )
    given.set(content, id)
    next = Math.max(next, id + 1)
  }
}

/** Whether it is looked for in the normalized text; it is decoded to its normalized text too. */
function isNormalized({ normalized, special }: AddedToken): boolean {
  return normalized ?? special !== true
}

/** Added tokens are taken out of the text as it is, then of the normalized text; what is left is split into words. */
function textEncoder(
  normalize: Normalize,
  preTokenize: PreTokenize,
  encodeWord: (word: string) => readonly number[],
  added: readonly AddedToken[],
): (text: string, isFirst: boolean, special: boolean) => number[] {
  const splitOff = splitterOf(
    added.filter((token) => !isNormalized(token)),
    (text) => text,
  )
  const splitOffNormalized = splitterOf(added.filter(isNormalized), normalize)
  return (text, isFirst, special) => {
    const ids: number[] = []
    for (const piece of splitOff(text, isFirst, special)) {
      const inner =
        'id' in piece ? [piece] : splitOffNormalized(normalize(piece.text), piece.isFirst, special)
      for (const part of inner) {
        if ('id' in part) ids.push(part.id)
        else
          for (const word of preTokenize([part.text], part.isFirst))
            for (const id of encodeWord(word)) ids.push(id)
      }
    }
    return ids
  }
}
