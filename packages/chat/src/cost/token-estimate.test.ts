import { expect, test } from 'vitest'
import { chatBody } from '../chat-request.ts'
import { sumEstimates } from './cost-estimate.ts'
import { checkPrices, mostUsdOf, usdOf } from './prices.ts'
import { estimateTokens, TokenRate } from './token-estimate.ts'

const prices = { inputPerMillion: 2, outputPerMillion: 8, cachedInputPerMillion: 0.5 }

test('a bound counts a token for each byte of the request, and what a template may add', () => {
  const body = chatBody('m', { messages: [{ role: 'user', content: 'Grüße' }], maxTokens: 5 })
  // {"model":"m","messages":[{"role":"user","content":"Grüße"}],"max_tokens":5}: 75 characters, two of them of two bytes.
  expect(JSON.stringify(body)).toHaveLength(75)
  expect(estimateTokens(body)).toEqual({
    bytes: 77,
    promptTokens: 26,
    mostPromptTokens: 77 + 64 + 16,
    mostCompletionTokens: 5,
  })
})

test('a tokenizer of the user counts the messages, and the rest of the body stays in the bound', () => {
  const body = { messages: [{ content: 'one two' }, { content: 'three' }], tools: [] }
  const countTokens = (text: string) => text.split(' ').length
  // {"tools":[]} has 12 bytes; 64 for the template and 16 for each message.
  expect(estimateTokens(body, { countTokens })).toMatchObject({
    promptTokens: 3 + 8,
    mostPromptTokens: 3 + 12 + 64 + 32,
    mostCompletionTokens: null,
  })
})

test.each<[object, number | null]>([
  [{ max_completion_tokens: 7 }, 7],
  [{ max_tokens: 7, n: 3 }, 21],
  [{ max_completion_tokens: 9, max_tokens: 7 }, 9],
  [{ n: 3 }, null],
  [{ continuations: ['ab', 'ü', ''] }, 3 + 3 + 1],
])('the longest answer of %j is %j', (body, expected) => {
  expect(estimateTokens({ ...body }).mostCompletionTokens).toBe(expected)
})

test('cached tokens cost their own price, and none are cached in the worst case', () => {
  const usage = { promptTokens: 1000, completionTokens: 100, cachedPromptTokens: 400 }
  // 600 * 2 + 400 * 0.5 + 100 * 8 = 2200 per million.
  expect(usdOf(usage, prices)).toBeCloseTo(0.0022, 15)
  expect(usdOf({ promptTokens: 1000, completionTokens: 100 }, prices)).toBeCloseTo(0.0028, 15)
  expect(mostUsdOf(usage, prices)).toBeCloseTo(0.0028, 15)
  expect(mostUsdOf(usage, { ...prices, cachedInputPerMillion: 3 })).toBeCloseTo(0.0038, 15)
})

test('estimates add up; without a price or a longest answer the cost is null, not a guess', () => {
  const one = { promptTokens: 100, mostPromptTokens: 300, mostCompletionTokens: 10, bytes: 300 }
  expect(sumEstimates([one, one], prices)).toEqual({
    nRequests: 2,
    promptTokens: 200,
    mostPromptTokens: 600,
    mostCompletionTokens: 20,
    usd: expect.closeTo(0.00056, 12),
    mostUsd: expect.closeTo(0.00136, 12),
  })
  expect(sumEstimates([one], undefined)).toMatchObject({ usd: null, mostUsd: null, nRequests: 1 })
  const open = { ...one, mostCompletionTokens: null }
  expect(sumEstimates([open, one], prices)).toMatchObject({
    mostCompletionTokens: null,
    promptTokens: 200,
    usd: null,
    mostUsd: null,
  })
  expect(sumEstimates([], prices)).toMatchObject({ nRequests: 0, usd: 0, mostUsd: 0 })
})

test('the rate of tokens per byte is learnt from answers', () => {
  const rate = new TokenRate()
  expect(rate.tokensPerByte).toBeCloseTo(1 / 3, 15)
  const estimate = { promptTokens: 1, mostPromptTokens: 1, mostCompletionTokens: 1, bytes: 7000 }
  rate.note(estimate, { promptTokens: 1000, completionTokens: 1 })
  rate.note(estimate, undefined)
  // (1000 + 1000) / (3000 + 7000)
  expect(rate.tokensPerByte).toBeCloseTo(0.2, 15)
})

test.each([
  [{ inputPerMillion: -1, outputPerMillion: 1 }, /prices.inputPerMillion is -1/],
  [{ inputPerMillion: 1, outputPerMillion: Number.NaN }, /prices.outputPerMillion/],
  [{ ...prices, cachedInputPerMillion: Infinity }, /prices.cachedInputPerMillion/],
])('the prices %j are refused', (bad, message) => {
  expect(() => checkPrices(bad)).toThrow(message)
})
