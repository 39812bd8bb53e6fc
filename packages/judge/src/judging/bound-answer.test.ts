import { expect, test } from 'vitest'
import { boundAnswer, truncationMark, utf8Bytes } from './bound-answer.ts'

const bound = { maxAnswerTokens: 10, countTokens: utf8Bytes }

test('an answer within the bound stays as it is', () => {
  expect(boundAnswer('0123456789', bound)).toEqual({ answer: '0123456789', truncation: undefined })
  expect(boundAnswer('', bound)).toEqual({ answer: '', truncation: undefined })
})

test('a longer one keeps its beginning, and the cut is marked and told', () => {
  expect(boundAnswer('0123456789abc', bound)).toEqual({
    answer: `0123456789${truncationMark}`,
    truncation: { tokens: 13, maxAnswerTokens: 10, characters: 13, keptCharacters: 10 },
  })
})

test('bytes count, and no character is cut in half', () => {
  // Three bytes each: three fit. Four bytes each, two code units: two fit.
  expect(boundAnswer('漢'.repeat(9), bound).truncation?.keptCharacters).toBe(3)
  const { answer, truncation } = boundAnswer('😀'.repeat(9), bound)
  expect(answer).toBe(`😀😀${truncationMark}`)
  // Half a character counts three bytes: within eleven, and still left out.
  const eleven = boundAnswer('😀'.repeat(9), { ...bound, maxAnswerTokens: 11 })
  expect(eleven.answer).toBe(answer)
  expect(truncation).toEqual({ tokens: 36, maxAnswerTokens: 10, characters: 18, keptCharacters: 4 })
})

test("a counter of the caller's decides", () => {
  const words = (text: string) => text.split(' ').filter(Boolean).length
  const { answer } = boundAnswer('a bb ccc dddd', { maxAnswerTokens: 2, countTokens: words })
  expect(answer).toBe(`a bb ${truncationMark}`)
})

test('the longest beginning that fits is found whatever the length', () => {
  for (let length = 11; length < 60; length++) {
    const { truncation } = boundAnswer('x'.repeat(length), bound)
    expect(truncation?.keptCharacters).toBe(10)
  }
})

test('a bound that not even one character fits leaves the mark alone', () => {
  const { answer } = boundAnswer('漢字', { maxAnswerTokens: 1, countTokens: utf8Bytes })
  expect(answer).toBe(truncationMark)
})

test.each([Number.NaN, -1, Infinity])('a count of %d is refused', (count) => {
  expect(() => boundAnswer('x', { maxAnswerTokens: 1, countTokens: () => count })).toThrow(
    `countTokens gave ${count}`,
  )
})
