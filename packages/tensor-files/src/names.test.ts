import { expect, test } from 'vitest'
import { fileNameProblem, nameProblem, quote } from './names.ts'

test.each(['model.layers.0.weight', 'a/b', 'é中 🙂', '__proto__', '..'])(
  'the name %j is fine',
  (name) => {
    expect(nameProblem(name)).toBeUndefined()
  },
)

test.each(['', '\u001b[2J', 'a\nb', '\ud800', '\u202eabc', '\u0085', 'x'.repeat(1001)])(
  'the name %j, which could fool a terminal or a reader, is refused',
  (name) => {
    expect(nameProblem(name)).toBeTypeOf('string')
  },
)

test.each(['..', '.', '../a', 'a/b', '/a', '\\a', 'C:a', '', 'a\0'])(
  'the file name %j, which leaves its folder or is none, is refused',
  (name) => {
    expect(fileNameProblem('model-00001-of-00002.safetensors')).toBeUndefined()
    expect(fileNameProblem(name)).toBeTypeOf('string')
  },
)

test('a quoted name shows what cannot be printed, and is cut', () => {
  expect(quote('a"\u001b\u202e\u2028')).toBe('"a\\"\\u001b\\u{202e}\\u{2028}"')
  expect(quote('x'.repeat(500)).length).toBe(105)
})
