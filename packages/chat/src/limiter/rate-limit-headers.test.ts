import { expect, test } from 'vitest'
import { readRateLimitHeaders } from './rate-limit-headers.ts'

const read = (headers: Record<string, string>) => readRateLimitHeaders(new Headers(headers))

test("OpenAI's headers are read, with durations", () => {
  expect(
    read({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6m0s',
    }),
  ).toEqual({
    requests: { limit: 60, remaining: 59, resetInMs: 1000 },
    tokens: { limit: 150_000, remaining: 149_984, resetInMs: 360_000 },
  })
})

test('what is absent or unreadable is undefined, and so is a limit without what remains of it', () => {
  expect(read({})).toEqual({ requests: undefined, tokens: undefined })
  for (const bad of ['', '-1', '1e9', 'many', '1.5'])
    expect(read({ 'x-ratelimit-remaining-tokens': bad }).tokens).toBeUndefined()
  expect(read({ 'x-ratelimit-limit-tokens': '5', 'x-ratelimit-reset-tokens': '1s' }).tokens).toBe(
    undefined,
  )
  expect(
    read({ 'x-ratelimit-remaining-tokens': '7', 'x-ratelimit-reset-tokens': 'soon' }).tokens,
  ).toEqual({ remaining: 7, resetInMs: undefined, limit: undefined })
})
