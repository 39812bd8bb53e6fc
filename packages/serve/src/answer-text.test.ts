import type { ChatTokenizer } from '@cem/inference'
import { expect, test } from 'vitest'
import { AnswerText } from './answer-text.ts'

/** Each token is a byte; sequences decode as UTF-8 with U+FFFD for what is none. */
const byteTokenizer = {
  decode: (ids: readonly number[]) => Buffer.from(ids).toString('utf8'),
} as unknown as ChatTokenizer

function pieces(bytes: Buffer, stops: readonly string[] = []) {
  const text = new AnswerText(byteTokenizer, stops)
  const given: string[] = []
  for (const byte of bytes) {
    const piece = text.add(byte)
    given.push(piece.text)
    if (piece.isStopped) break
  }
  const last = text.end()
  return { given, last: last.text, isStopped: last.isStopped, nTokens: text.nTokens }
}

test('a character is given out when its last byte is there', () => {
  expect(pieces(Buffer.from('aé🙂b'))).toEqual({
    given: ['a', '', 'é', '', '', '', '🙂', 'b'],
    last: '',
    isStopped: false,
    nTokens: 8,
  })
})

test('bytes that never become a character are replaced, when the next token shows it or at the end', () => {
  const { given, last } = pieces(Buffer.from([0x61, 0xf0, 0x9f, 0x62, 0xf0]))
  expect(given).toEqual(['a', '', '', '\ufffdb', ''])
  expect(last).toBe('\ufffd')
})

test('text that could begin a stop text is held back until it is known', () => {
  expect(pieces(Buffer.from('ab##c'), ['###'])).toEqual({
    given: ['a', 'b', '', '', '##c'],
    last: '',
    isStopped: false,
    nTokens: 5,
  })
  expect(pieces(Buffer.from('ab##'), ['###'])).toMatchObject({ last: '##', isStopped: false })
})

test('the text ends before the first stop text, whichever it is, and so do the tokens', () => {
  expect(pieces(Buffer.from('one. two'), ['two', '. '])).toEqual({
    given: ['o', 'n', 'e', '', ''],
    last: '',
    isStopped: true,
    nTokens: 3,
  })
  // Of two that end at one token the one that begins first counts.
  expect(pieces(Buffer.from('xaab'), ['ab', 'aab'])).toMatchObject({
    given: ['x', '', '', ''],
    isStopped: true,
    nTokens: 1,
  })
})

test('a stop text at the very beginning leaves nothing', () => {
  expect(pieces(Buffer.from('é'), ['é'])).toEqual({
    given: ['', ''],
    last: '',
    isStopped: true,
    nTokens: 0,
  })
})

test('nothing comes of nothing', () => {
  expect(pieces(Buffer.of())).toEqual({ given: [], last: '', isStopped: false, nTokens: 0 })
})
