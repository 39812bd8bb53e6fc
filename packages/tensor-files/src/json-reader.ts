import { quote } from './names.ts'

/** Deeper than any file that is read here; bounds the recursion. */
const maxDepth = 32

/**
 * Reads JSON piece by piece, as its caller expects it, and builds nothing else: a hostile text costs no more memory than
 * its own length. A key that an object has twice is an error, where `JSON.parse` would quietly keep the last.
 */
export class JsonReader {
  readonly #text: string
  readonly #fail: (problem: string) => Error
  #at = 0
  #depth = 0

  /** @param fail makes the error to throw. */
  constructor(text: string, fail: (problem: string) => Error) {
    this.#text = text
    this.#fail = fail
  }

  /** Reads an object; `onMember` must read the value of the key that it gets. */
  object(onMember: (key: string) => void): void {
    const keys = new Set<string>()
    this.#sequence('{', '}', 'an object', () => {
      const key = this.string()
      if (keys.has(key)) throw this.#fail(`the key ${quote(key)} is there twice`)
      keys.add(key)
      this.#space()
      this.#expect(':')
      this.#space()
      onMember(key)
    })
  }

  /** Reads an array; `onItem` must read one item. */
  array(onItem: () => void): void {
    this.#sequence('[', ']', 'an array', onItem)
  }

  string(): string {
    const start = this.#at
    if (this.#text[start] !== '"') throw this.#unexpected('a string')
    let end = start + 1
    for (; end < this.#text.length && this.#text[end] !== '"'; end++)
      if (this.#text[end] === '\\') end++
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, end + 1))
      this.#at = end + 1
      return value as string
    } catch {
      throw this.#fail(`the string at character ${start} is not valid JSON`)
    }
  }

  /** Reads a whole number from 0 to 2^53 - 1, written as digits alone. */
  wholeNumber(): number {
    const token = this.#match(/-?[\d.eE+-]+/y)
    if (token === undefined) throw this.#unexpected('a whole number')
    if (!/^(0|[1-9]\d*)$/.test(token) || !Number.isSafeInteger(Number(token)))
      throw this.#fail(
        `${quote(token)} stands where a whole number from 0 to 2^53 - 1, written in digits, is expected`,
      )
    return Number(token)
  }

  /** Reads any value and forgets it. */
  skip(): void {
    const first = this.#text[this.#at]
    if (first === '{') this.object(() => this.skip())
    else if (first === '[') this.array(() => this.skip())
    else if (first === '"') this.string()
    else if (
      this.#match(/(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y) === undefined
    )
      throw this.#unexpected('a value')
  }

  /** Whether the next character is this one. */
  isAt(character: string): boolean {
    return this.#text[this.#at] === character
  }

  /** Checks that only white space is left. */
  end(): void {
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected('the end')
  }

  #sequence(open: string, close: string, what: string, onItem: () => void): void {
    if (!this.isAt(open)) throw this.#unexpected(what)
    this.#depth += 1
    if (this.#depth > maxDepth)
      throw this.#fail(`it nests deeper than ${maxDepth} levels at character ${this.#at}`)
    this.#at += 1
    this.#space()
    for (let isFirst = true; !this.isAt(close); isFirst = false) {
      if (!isFirst) {
        this.#expect(',')
        this.#space()
      }
      onItem()
      this.#space()
    }
    this.#at += 1
    this.#depth -= 1
  }

  #expect(character: string): void {
    if (!this.isAt(character)) throw this.#unexpected(`"${character}"`)
    this.#at += 1
  }

  #space(): void {
    this.#match(/[ \t\n\r]*/y)
  }

  #match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at
    const token = sticky.exec(this.#text)?.[0]
    if (token !== undefined) this.#at += token.length
    return token
  }

  #unexpected(wanted: string): Error {
    const found = this.#text.slice(this.#at, this.#at + 20)
    return this.#fail(
      `${found === '' ? 'the text ends' : `${quote(found)} stands`} at character ${this.#at}, where ${wanted} is expected`,
    )
  }
}
