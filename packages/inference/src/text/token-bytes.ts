import type { AddedToken } from './disarm.ts'

/** What tells which bytes a token stands for. */
export interface TokenBytesOptions {
  /** `decoder` of tokenizer.json. */
  readonly decoder: unknown
  readonly added: readonly AddedToken[]
  readonly idToToken: (id: number) => string | undefined
}

/**
 * The bytes that each token adds to a text: several tokens may share one character. A vocabulary of bytes writes each as a
 * character of its own (GPT-2's table); one of the SentencePiece kind writes text, `▁` for a space, and `<0x0A>` for a byte.
 * Added tokens are their own text. An id without a token has no bytes.
 */
export function tokenBytes({ decoder, added, idToToken }: TokenBytesOptions) {
  const addedById = new Map(added.map(({ id, content }) => [id, content]))
  const types = decoderTypes(decoder)
  const toBytes = types.has('ByteLevel') ? bytesOfByteLevel : bytesOfPieces
  return (id: number): Uint8Array => {
    const content = addedById.get(id)
    if (content !== undefined) return encoder.encode(content)
    return toBytes(idToToken(id) ?? '')
  }
}

const encoder = new TextEncoder()

function decoderTypes(decoder: unknown): ReadonlySet<string> {
  const { type, decoders } = (decoder ?? {}) as { type?: string; decoders?: unknown[] }
  const inner = Array.isArray(decoders) ? decoders.flatMap((one) => [...decoderTypes(one)]) : []
  return new Set([...(type === undefined ? [] : [type]), ...inner])
}

function bytesOfByteLevel(token: string): Uint8Array {
  const bytes: number[] = []
  for (const character of token) {
    const byte = byteOfCharacter.get(character)
    if (byte === undefined) bytes.push(...encoder.encode(character))
    else bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

function bytesOfPieces(token: string): Uint8Array {
  const [, byte] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? []
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16))
  return encoder.encode(token.replaceAll('\u2581', ' '))
}

/**
 * GPT-2's table: bytes that print in Latin-1 are themselves, the others the characters from U+0100 on, in order.
 */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  (() => {
    const isPrinted = (byte: number) =>
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    let next = 0x100
    return Array.from({ length: 256 }, (_, byte) => {
      const code = isPrinted(byte) ? byte : next++
      return [String.fromCodePoint(code), byte] as const
    })
  })(),
)
