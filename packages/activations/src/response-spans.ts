import { type ChatTokenizer, type SpanName, TokenMap, type TokenRange } from '@cem/inference'
import { codeTokens } from './conversations/code-tokens.ts'

/** A response as it was generated: token ids, never text that would have to be tokenized again. */
export interface StoredResponse {
  readonly promptTokenIds: readonly number[]
  /** Without the stop token. */
  readonly tokenIds: readonly number[]
}

export interface ResponseSpans {
  /** Prompt, response and closing tokens, as one sequence. */
  readonly tokenIds: readonly number[]
  /** Where each span lies in it. An empty response has none: its means are NaN. */
  readonly spans: Readonly<Partial<Record<SpanName, TokenRange>>>
}

/**
 * The spans that hidden states are averaged over: `content` is the response's own tokens, `turn` also the tokens that the chat
 * template closes it with.
 *
 * @param closingTokenIds of the chat template (`tokenizer.closingTokenIds()`); fed after the response whatever ended it
 */
export function responseSpans(
  { promptTokenIds, tokenIds }: StoredResponse,
  closingTokenIds: readonly number[],
): ResponseSpans {
  const start = promptTokenIds.length
  const end = start + tokenIds.length
  const sequence = [...promptTokenIds, ...tokenIds, ...closingTokenIds]
  if (start === end) return { tokenIds: sequence, spans: {} }
  return {
    tokenIds: sequence,
    spans: { content: { start, end }, turn: { start, end: end + closingTokenIds.length } },
  }
}

/** The tokens of a response's fenced code blocks, as ranges of the whole sequence: each that shares a byte with one. */
export function responseCode(
  tokenizer: Pick<ChatTokenizer, 'tokenBytes'>,
  { promptTokenIds, tokenIds }: StoredResponse,
): TokenRange[] {
  const map = new TokenMap(tokenizer, tokenIds)
  const shift = promptTokenIds.length
  return codeTokens(map, { start: 0, end: map.bytes.length }).map(({ start, end }) => ({
    start: start + shift,
    end: end + shift,
  }))
}
