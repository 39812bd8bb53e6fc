/** What is wrong with a CSV text, and where. */
export class CsvError extends Error {}

/** Bounds what an unclosed quote takes in. */
const maxFieldLength = 2 ** 24

/**
 * Records of a CSV text as RFC 4180 has it: fields apart by commas, quoted where needed, quotes doubled, records ended by LF or
 * CRLF. A byte order mark is skipped, and so are empty lines.
 *
 * @throws CsvError where quotes are not closed or stand inside of a field, or a field is longer than 16 million characters
 */
export async function* csvRecords(
  chunks: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<string[], void> {
  const parser = new Parser()
  for await (const chunk of chunks) yield* parser.take(chunk)
  yield* parser.end()
}

/** `start` of a field, `plain` text, within `quoted` text, `after` a quote within quoted text, which is its end or doubled. */
type State = 'start' | 'plain' | 'quoted' | 'after'

class Parser {
  #state: State = 'start'
  #field = ''
  #fields: string[] = []
  #line = 1
  #isFirst = true
  #wasReturn = false

  #quote(): void {
    if (this.#state === 'plain' || this.#wasReturn) throw this.#error('a quote inside of a field')
    if (this.#state === 'after') this.#append('"')
    this.#state = 'quoted'
  }

  *take(text: string): Generator<string[]> {
    let from = 0
    if (this.#isFirst && text.length > 0) {
      this.#isFirst = false
      if (text.startsWith('\ufeff')) from = 1
    }
    for (let at = from; at < text.length; at++) {
      const character = text[at] as string
      if (this.#state === 'quoted') {
        // Quoted text is taken in whole pieces.
        const quote = text.indexOf('"', at)
        const end = quote === -1 ? text.length : quote
        this.#append(text.slice(at, end))
        if (quote !== -1) this.#state = 'after'
        at = end
      } else if (character === '"') this.#quote()
      else if (character === ',') this.#endField()
      else if (character === '\n') yield* this.#endRecord()
      else if (character === '\r') {
        if (this.#state === 'plain') this.#append(character)
        else this.#wasReturn = true
      } else if (this.#state === 'after' || this.#wasReturn) throw this.#error('text after a quote')
      else {
        this.#state = 'plain'
        this.#append(character)
      }
    }
  }

  *end(): Generator<string[]> {
    if (this.#state === 'quoted') throw this.#error('a quote that is never closed')
    yield* this.#endRecord()
  }

  #append(text: string): void {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#line += 1
    this.#field += text
    if (this.#field.length > maxFieldLength)
      throw this.#error(`a field of more than ${maxFieldLength} characters (an unclosed quote?)`)
  }

  #endField(): void {
    this.#fields.push(this.#field)
    this.#field = ''
    this.#state = 'start'
    this.#wasReturn = false
  }

  *#endRecord(): Generator<string[]> {
    if (this.#state === 'plain' && this.#field.endsWith('\r'))
      this.#field = this.#field.slice(0, -1)
    const isEmpty = this.#state === 'start' && this.#fields.length === 0
    this.#endField()
    const fields = this.#fields
    this.#fields = []
    this.#line += 1
    if (!isEmpty) yield fields
  }

  #error(what: string): CsvError {
    return new CsvError(`line ${this.#line} has ${what}`)
  }
}
