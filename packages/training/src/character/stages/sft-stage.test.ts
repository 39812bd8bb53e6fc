import { expect, test } from 'vitest'
import { fit } from './sft-stage.ts'

const messages = ['s', 'aa', 'bb', 'cc', 'dd'].map((content, i) => ({
  role: i === 0 ? ('system' as const) : i % 2 === 1 ? ('user' as const) : ('assistant' as const),
  content,
}))
/** A token a character. */
const tokenizer = {
  encodeChat: (shown: readonly { readonly content: string }[]) =>
    shown.flatMap(({ content }) => Array.from(content, () => 0)),
}
const lengthAt = (maxTokens: number | null, overlong: string) =>
  fit(messages, { maxTokens, overlong }, tokenizer)?.length

test('whole turns are cut off the end, so that an answer stays the last', () => {
  expect(lengthAt(9, 'cut')).toBe(5)
  expect(lengthAt(8, 'cut')).toBe(3)
  expect(lengthAt(5, 'cut')).toBe(3)
  expect(lengthAt(4, 'cut')).toBeUndefined()
})

test('or the conversation is dropped, or kept as it is', () => {
  expect(lengthAt(9, 'drop')).toBe(5)
  expect(lengthAt(8, 'drop')).toBeUndefined()
  expect(lengthAt(1, 'keep')).toBe(5)
  expect(lengthAt(null, 'cut')).toBe(5)
})
