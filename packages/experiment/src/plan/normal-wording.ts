/**
 * A wording without what does not make it another question: case, punctuation, white space, and the ways in which Unicode spells the
 * same characters. A wording of nothing but such signs is left as it is.
 */
export function normalWording(text: string): string {
  const words = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim()
  return words === '' ? text.trim() : words
}
