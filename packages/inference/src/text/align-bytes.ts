import type { TokenMap } from './token-map.ts'

/** Bytes from `start` to before `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

const space = 0x20

/**
 * Where ranges of a text's bytes lie in its tokens' bytes, which are the same but for spaces that the tokenizer puts before words at
 * the beginning of a text or after a special token (Llama 2, Mistral 7B); undefined where they differ in more.
 */
export function alignBytes(
  text: Uint8Array,
  tokens: TokenMap,
): ((range: ByteRange) => ByteRange) | undefined {
  const { bytes } = tokens
  if (Buffer.compare(text, bytes) === 0) return (range) => range
  const placeOf = new Uint32Array(text.length)
  let at = 0
  for (let i = 0; i < text.length; i++) {
    if (bytes[at] !== text[i] && bytes[at] === space && tokens.isBoundary(at)) at += 1
    if (bytes[at] !== text[i]) return undefined
    placeOf[i] = at++
  }
  if (at !== bytes.length) return undefined
  return ({ start, end }) => {
    if (end <= start) return { start: 0, end: 0 }
    return { start: placeOf[start] as number, end: (placeOf[end - 1] as number) + 1 }
  }
}
