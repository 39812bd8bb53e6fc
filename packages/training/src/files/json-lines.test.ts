import { expect, test } from 'vitest'
import { parseJsonLines } from './json-lines.ts'

test('lines keep their numbers, and those that are no JSON have no value', () => {
  const text = '\ufeff{"a":1}\r\n\n  \nnull\n{"a"\n"é"'
  expect(parseJsonLines(Buffer.from(text))?.lines).toEqual([
    { line: 1, value: { a: 1 } },
    { line: 4, value: null },
    { line: 5, value: undefined },
    { line: 6, value: 'é' },
  ])
})

test('an empty file has no lines, and bytes that are no UTF-8 are no file of them', () => {
  // SHA-256 of nothing.
  const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  expect(parseJsonLines(new Uint8Array())).toEqual({ lines: [], sha256 })
  expect(parseJsonLines(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined()
})
