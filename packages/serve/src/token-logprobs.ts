import type { BatchToken, ChatTokenizer, TopTokens } from '@cem/inference'

/** One token with its log-probability, as chat completions have it. */
export interface TokenLogprob {
  readonly token: string
  readonly logprob: number
  /** The token's bytes. Those of several tokens may make one character. */
  readonly bytes: readonly number[]
}

export interface ContentLogprob extends TokenLogprob {
  readonly top_logprobs: readonly TokenLogprob[]
}

/** A sampled token's entry in `logprobs.content`. */
export function contentLogprob(
  { tokenId, logprob, top }: BatchToken,
  tokenizer: ChatTokenizer,
): ContentLogprob {
  return {
    ...tokenLogprob(tokenId, logprob ?? Number.NaN, tokenizer),
    top_logprobs: topEntries(top).map(([id, value]) => tokenLogprob(id, value, tokenizer)),
  }
}

function tokenLogprob(tokenId: number, logprob: number, tokenizer: ChatTokenizer): TokenLogprob {
  const bytes = tokenizer.tokenBytes(tokenId)
  return { token: tokenText(bytes), logprob, bytes: Array.from(bytes) }
}

/** Ids and log-probabilities, the likeliest first. */
export function topEntries(top: TopTokens | null): (readonly [number, number])[] {
  return Array.from(top?.tokenIds ?? [], (id, i) => [id, top?.logprobs[i] as number] as const)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A token as text; one that is no whole character is written as its bytes, `\xf0\x9f`, as OpenAI writes it. */
export function tokenText(bytes: Uint8Array): string {
  return wholeText(bytes) ?? escaped(bytes)
}

/** The same as completions without messages have it: `bytes:\xf0\x9f`. */
export function completionTokenText(bytes: Uint8Array): string {
  return wholeText(bytes) ?? `bytes:${escaped(bytes)}`
}

function wholeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
