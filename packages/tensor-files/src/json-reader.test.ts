import { expect, test } from 'vitest'
import { JsonReader } from './json-reader.ts'

const readerOf = (text: string) => new JsonReader(text, (problem) => new Error(problem))

/** Reads any JSON with `skip`, and says what is wrong. */
function problemOf(text: string): string | undefined {
  try {
    const json = readerOf(text)
    json.skip()
    json.end()
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

test.each(['{}', '[]', '[1, -2.5e+3, true, null, "a\\"\\\\\\u0041"]', '{"a" : {"b":[{}]}}\t'])(
  '%j is taken, as by JSON.parse',
  (text) => {
    expect(JSON.parse(text)).toBeTypeOf('object')
    expect(problemOf(text)).toBeUndefined()
  },
)

const broken = ['', '{', '[1,]', '{"a":1,}', '{a:1}', '{"a" 1}', "['a']", '"a', '"\\x"', '"\n"']
test.each([...broken, '01', 'nul', '+1', '.5', '1.', '[1 2]', '{} {}', '"\\"'])(
  '%j is refused, as by JSON.parse',
  (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
    expect(problemOf(text)).toBeTypeOf('string')
  },
)

test('a key that is there twice is an error, however it is written', () => {
  expect(problemOf('{"a":1,"b":{"a":2}}')).toBeUndefined()
  expect(problemOf('{"a":1,"\\u0061":2}')).toBe('the key "a" is there twice')
  expect(problemOf('{"__proto__":1,"__proto__":2}')).toContain('twice')
})

test('deep nesting is refused before it costs anything', () => {
  expect(problemOf('['.repeat(1_000_000))).toContain('deeper than 32 levels')
})

test('2^53 - 1 is the largest whole number', () => {
  expect(readerOf('9007199254740991').wholeNumber()).toBe(Number.MAX_SAFE_INTEGER)
})

test.each(['9007199254740992', '-1', '1.0', '1e3', '-0', '01', '"1"', 'null', ''])(
  '%j is no whole number written in digits',
  (text) => {
    expect(() => readerOf(text).wholeNumber()).toThrow('whole number')
  },
)
