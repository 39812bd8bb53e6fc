import { echo } from '../model/echo.ts'
import { fromByteCharacters } from './byte-level.ts'
import { anyString, list, string } from './normalizer.ts'

type Step = (tokens: readonly string[]) => readonly string[]

/**
 * The `decoder` of tokenizer.json as a function of tokens.
 *
 * @throws Error for one that is not known
 */
export function compileDecoder(definition: unknown): (tokens: readonly string[]) => string {
  if (definition === null || definition === undefined) return (tokens) => tokens.join(' ')
  const step = compileStep(definition)
  return (tokens) => step(tokens).join('')
}

function compileStep(definition: unknown): Step {
  const { type, ...options } = (definition ?? {}) as Record<string, unknown>
  switch (type) {
    case 'Sequence': {
      const steps = list(options['decoders'], 'decoders').map(compileStep)
      return (tokens) => steps.reduce((all, step) => step(all), tokens)
    }
    case 'ByteLevel':
      return (tokens) => [fromByteCharacters(tokens)]
    case 'ByteFallback':
      return joinBytes
    case 'Fuse':
      return (tokens) => [tokens.join('')]
    case 'Replace': {
      const { String: old } = (options['pattern'] ?? {}) as Record<string, unknown>
      const [from, to] = [string(old, 'pattern.String'), anyString(options['content'], 'content')]
      return (tokens) => tokens.map((token) => token.replaceAll(from, () => to))
    }
    case 'Strip':
      return strip(options)
    case 'Metaspace':
      return metaspace(options)
    default:
      throw new Error(
        `its decoder is ${echo(type)}; ByteLevel, ByteFallback, Fuse, Replace (of a String), Strip, Metaspace and Sequence can be computed`,
      )
  }
}

/** Runs of `<0x..>` tokens are UTF-8; a run that is not becomes one U+FFFD for each byte. */
function joinBytes(tokens: readonly string[]): readonly string[] {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const joined: string[] = []
  let bytes: number[] = []
  const flush = () => {
    try {
      joined.push(strict.decode(Uint8Array.from(bytes)))
    } catch {
      joined.push('\ufffd'.repeat(bytes.length))
    }
    bytes = []
  }
  for (const token of tokens) {
    const byte = /^<0x([\da-f]{2})>$/i.exec(token)?.[1]
    if (byte !== undefined) {
      bytes.push(Number.parseInt(byte, 16))
      continue
    }
    if (bytes.length > 0) flush()
    joined.push(token)
  }
  if (bytes.length > 0) flush()
  return joined
}

/** Up to `start` and `stop` times a character off each token's ends. */
function strip({ content, start, stop }: Record<string, unknown>): Step {
  const mark = string(content, 'content')
  const [first, last] = [Number(start ?? 0), Number(stop ?? 0)]
  return (tokens) =>
    tokens.map((token) => {
      let [from, to] = [0, token.length]
      for (let i = 0; i < first && token.startsWith(mark, from); i++) from += mark.length
      for (let i = 0; i < last && to > from && token.endsWith(mark, to); i++) to -= mark.length
      return token.slice(from, to)
    })
}

/** Marks become spaces; those of the first token, where the encoder put one there, nothing. */
function metaspace(options: Record<string, unknown>): Step {
  const mark = string(options['replacement'] ?? '\u2581', 'replacement')
  const before = options['add_prefix_space'] === false ? 'never' : 'always'
  const scheme = string(options['prepend_scheme'] ?? before, 'prepend_scheme').toLowerCase()
  return (tokens) =>
    tokens.map((token, i) =>
      token.replaceAll(mark, () => (i === 0 && scheme !== 'never' ? '' : ' ')),
    )
}
