import { describe, expect, test } from 'vitest'
import { duration, percent, shorten, terminalText } from '../src/terminal-text.ts'

describe('text of a model never reaches the terminal raw', () => {
  test.each([
    ['a colour and a clear screen', '\u001b[31mred\u001b[2J', '␛[31mred␛[2J'],
    ['a window title', '\u001b]0;owned\u0007', '␛]0;owned␇'],
    ['C1 controls', 'a\u009b31mb\u0085c', 'a\ufffd31mb c'],
    ['line breaks and tabs', 'a\r\n\tb\vc\u2028d', 'a b c d'],
    ['a cursor that goes back', 'safe\u0008\u0008\u0008\u0008evil', 'safe␈␈␈␈evil'],
    ['writing directions', 'abc\u202egnp.exe\u2066x', 'abc\ufffdgnp.exe\ufffdx'],
    ['half a surrogate pair', 'a\ud83db', 'a\ufffdb'],
    ['a NUL and a DEL', '\u0000\u007f', '␀␡'],
  ])('%s', (_, text, shown) => {
    expect(terminalText(text)).toBe(shown)
  })

  test('whatever comes, no control character is left', () => {
    const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('')
    expect(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(terminalText(all))).toBe(false)
  })

  test('other scripts and emoji stay as they are', () => {
    expect(terminalText('ö漢字 🙂 عربى')).toBe('ö漢字 🙂 عربى')
  })
})

test('what is cut says so', () => {
  expect(shorten('abcdef', 6)).toBe('abcdef')
  expect(shorten('abcdefg', 6)).toBe('abcde…')
  // Two columns each.
  expect(shorten('🙂🙂🙂', 3)).toBe('🙂…')
})

test('times and shares are written for people', () => {
  expect([0, 999, 61_000, 3_725_000].map(duration)).toEqual([
    '0 s',
    '1 s',
    '1 min 01 s',
    '1 h 02 min',
  ])
  expect([0.1234, 1, null, undefined].map((share) => percent(share, 1))).toEqual([
    '12.3%',
    '100.0%',
    '-',
    '-',
  ])
})
