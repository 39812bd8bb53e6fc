/** The printable character that stands for each byte in a byte-level vocabulary (the table of GPT-2). */
const characterOf: readonly string[] = byteCharacters()
const byteOf: ReadonlyMap<string, number> = new Map(characterOf.map((c, byte) => [c, byte]))
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The bytes of a text, each as its character. */
export function toByteCharacters(text: string): string {
  let characters = ''
  for (const byte of encoder.encode(text)) characters += characterOf[byte]
  return characters
}

/** The bytes of a token of a byte-level vocabulary. One with a character that stands for no byte is text as it is. */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = Array.from(token, (c) => byteOf.get(c))
  const isBytes = bytes.every((byte) => byte !== undefined)
  return isBytes ? Uint8Array.from(bytes) : encoder.encode(token)
}

/** The text of tokens of a byte-level vocabulary; what is no UTF-8 becomes U+FFFD. */
export function fromByteCharacters(tokens: readonly string[]): string {
  return decoder.decode(Buffer.concat(tokens.map(bytesOfToken)))
}

/** Printable bytes are themselves; the others get the characters from U+0100, in order. */
function byteCharacters(): string[] {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable =
      (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte < 0x100 && byte !== 0xad)
    return String.fromCharCode(isPrintable ? byte : next++)
  })
}
