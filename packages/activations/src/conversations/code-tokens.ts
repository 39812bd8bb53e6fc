import type { ByteRange, TokenMap, TokenRange } from '@cem/inference'
import { fencedCodeBlocks } from './code-blocks.ts'

/** The tokens of fenced code blocks within a range of bytes: each that shares a byte with one. In order and apart. */
export function codeTokens(map: TokenMap, { start, end }: ByteRange): TokenRange[] {
  // As Latin-1, a character is a byte, so that offsets need no translation.
  const text = map.bytes.toString('latin1', start, end)
  return mergeRanges(
    fencedCodeBlocks(text).map((block) =>
      map.tokensOf({ start: start + block.start, end: start + block.end }),
    ),
  )
}

/** Ranges in order, those that touch or overlap as one. */
function mergeRanges(ranges: readonly TokenRange[]): TokenRange[] {
  const merged: TokenRange[] = []
  for (const range of ranges) {
    const last = merged.at(-1)
    if (range.end <= range.start) continue
    if (last !== undefined && range.start <= last.end)
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) }
    else merged.push(range)
  }
  return merged
}
