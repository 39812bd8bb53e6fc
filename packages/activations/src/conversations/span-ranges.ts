import type { SpanName, TokenRange } from '@cem/inference'

/** What becomes of fenced code blocks in a span. */
export type CodeBlocks = 'keep' | 'leave-out'

/** The tokens of one message, or of one answer. */
export interface SpanTokens {
  readonly content: TokenRange
  /** Content and the template's closing tokens. */
  readonly turn: TokenRange
  /** Tokens of fenced code blocks within the content, in order and apart. */
  readonly code: readonly TokenRange[]
}

export interface SpanRanges {
  /** Which tokens a span takes; none where nothing of the content is left. */
  readonly ranges: readonly TokenRange[]
  /** Tokens that were left out as code. */
  readonly nCodeTokens: number
}

/**
 * The tokens of a span, with or without its code blocks. A span without content is empty, `turn` too: closing tokens alone
 * are no answer.
 */
export function spanRanges(tokens: SpanTokens, span: SpanName, codeBlocks: CodeBlocks): SpanRanges {
  const { content, code } = tokens
  const left = codeBlocks === 'keep' ? [] : code
  const nCodeTokens = nTokensOf(left)
  if (nCodeTokens >= content.end - content.start) return { ranges: [], nCodeTokens }
  return { ranges: without(tokens[span], left), nCodeTokens }
}

export function nTokensOf(ranges: readonly TokenRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

function without({ start, end }: TokenRange, holes: readonly TokenRange[]): TokenRange[] {
  const kept: TokenRange[] = []
  let from = start
  for (const hole of holes) {
    if (hole.start > from) kept.push({ start: from, end: hole.start })
    from = Math.max(from, hole.end)
  }
  if (from < end) kept.push({ start: from, end })
  return kept
}

/** Names of `Model.score` spans for the pieces of a span. */
export function scoreSpans(
  name: string,
  ranges: readonly TokenRange[],
): Record<string, TokenRange> {
  return Object.fromEntries(ranges.map((range, i) => [pieceName(name, i), range]))
}

/**
 * The mean over all pieces of a span, from the means of each, weighted by their tokens in float64; NaN throughout where
 * there are none.
 *
 * @param means of `Model.score`, each [length]
 */
export function pooledMean(
  means: Readonly<Record<string, Float32Array>>,
  name: string,
  ranges: readonly TokenRange[],
  length: number,
): Float32Array {
  const missing = () => new Float32Array(length).fill(Number.NaN)
  const pieces = ranges.map((_, i) => means[pieceName(name, i)] ?? missing())
  const [first] = pieces
  if (first === undefined) return missing()
  if (pieces.length === 1) return first
  const sum = new Float64Array(length)
  for (const [i, piece] of pieces.entries()) {
    const { start, end } = ranges[i] as TokenRange
    for (let k = 0; k < length; k++)
      sum[k] = (sum[k] as number) + (piece[k] as number) * (end - start)
  }
  const nTokens = nTokensOf(ranges)
  return Float32Array.from(sum, (value) => value / nTokens)
}

function pieceName(name: string, index: number): string {
  return `${name}#${index}`
}
