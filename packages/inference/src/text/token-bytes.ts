import type { AddedToken } from './added-tokens.ts'
import { bytesOfToken } from './byte-level.ts'

/** The parts of tokenizer.json that tell which bytes a token stands for. */
interface Definition {
  readonly decoder?: unknown
  readonly added_tokens?: readonly AddedToken[]
  /** Ids by token, or tokens in the order of their ids. */
  readonly model?: {
    readonly vocab?: Readonly<Record<string, number>> | readonly [string, number][]
  }
}

/**
 * The bytes that each token adds to a text: several tokens may share one character. A vocabulary of bytes writes each as a
 * character of its own (GPT-2's table); one of the SentencePiece kind writes text, `▁` for a space, and `<0x0A>` for a byte.
 * Added tokens are their own text. An id without a token has no bytes.
 */
export function tokenBytes(tokenizer: unknown): (tokenId: number) => Uint8Array {
  const definition = (tokenizer ?? {}) as Definition
  const types = decoderTypes(definition.decoder)
  const toBytes = types.has('ByteLevel') ? bytesOfToken : bytesOfPieces
  let tokens: ReadonlyMap<number, string> | undefined
  const added = new Map((definition.added_tokens ?? []).map(({ id, content }) => [id, content]))
  return (id) => {
    const content = added.get(id)
    if (content !== undefined) return encoder.encode(content)
    // Read when it is needed: a large vocabulary takes a moment.
    tokens ??= tokensById(definition)
    return toBytes(tokens.get(id) ?? '')
  }
}

function tokensById({ model }: Definition): Map<number, string> {
  const { vocab = {} } = model ?? {}
  if (Array.isArray(vocab)) return new Map(vocab.map(([token], id) => [id, token]))
  return new Map(Object.entries(vocab).map(([token, id]) => [id, token]))
}

const encoder = new TextEncoder()

function decoderTypes(decoder: unknown): ReadonlySet<string> {
  const { type, decoders } = (decoder ?? {}) as { type?: string; decoders?: unknown[] }
  const inner = Array.isArray(decoders) ? decoders.flatMap((one) => [...decoderTypes(one)]) : []
  return new Set([...(type === undefined ? [] : [type]), ...inner])
}

function bytesOfPieces(token: string): Uint8Array {
  const [, byte] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? []
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16))
  return encoder.encode(token.replaceAll('\u2581', ' '))
}
