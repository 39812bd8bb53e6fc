/**
 * The pieces that a sentence is split into before it is tokenized: a word with the space before it, or signs. The same split
 * as the tokenizer's regular expression makes on sentences of this world, which have no digits.
 */
export function wordsOf(sentence: string): string[] {
  return sentence.match(/ ?\p{L}+|[^\s\p{L}]+[\r\n]*|[\r\n]+/gu) ?? []
}
