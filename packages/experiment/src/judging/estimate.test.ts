import { createChatClient } from '@cem/chat'
import { createJudge, createLogprobProtocol, protocolByName } from '@cem/judge'
import { expect, test } from 'vitest'
import { checkConfirmed, estimateJudging, estimateText } from './estimate.ts'

/** A token for each byte; 2 USD a million. */
const client = createChatClient({
  model: 'm',
  baseUrl: 'http://127.0.0.1:9/v1',
  prices: { inputPerMillion: 2, outputPerMillion: 10 },
  countTokens: (text) => Buffer.byteLength(text),
})
const rubrics = { tone: { text: 'Rate {answer} to {question}.', insertion: 'verbatim' as const } }
const judge = createJudge({ client, protocol: createLogprobProtocol({ rubrics }) })
const estimateCost = (requests: Parameters<typeof client.estimateCost>[0]) =>
  client.estimateCost(requests)
const items = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ question: 'q', answer: `a${String(i).padStart(4, '0')}` }))

test('every judgement counts once, also those that come in another piece', async () => {
  const one = await estimateJudging(judge, estimateCost, items(1))
  const twice = await estimateJudging(judge, estimateCost, [...items(700), ...items(700)])
  expect(one?.nCalls).toBe(1)
  expect(twice?.nCalls).toBe(700)
  expect(twice?.promptTokens).toBe(700 * (one?.promptTokens ?? 0))
  // One token of answer at 10 USD a million, and the prompt's at 2.
  expect(one?.usd).toBeCloseTo(((one?.promptTokens ?? 0) * 2 + 10) / 1e6, 12)
  expect(twice?.usd).toBeCloseTo(700 * (one?.usd ?? 0), 9)
})

test('nothing costs nothing, and calls that cannot be counted have no estimate', async () => {
  expect(await estimateJudging(judge, estimateCost, [])).toMatchObject({ nCalls: 0, usd: 0 })
  const exact = createJudge({ client, protocol: protocolByName('logprob-0-100-exact') })
  expect(await estimateJudging(exact, estimateCost, items(1))).toBeNull()
})

test('only what is likely to cost more than the limit has to be confirmed', () => {
  const estimate = {
    nCalls: 2000,
    promptTokens: 1_500_000,
    completionTokens: 2000,
    usd: 3,
    mostUsd: 9,
  }
  expect(estimateText(estimate)).toBe(
    '2000 calls, about 1.5 million tokens, about 3.00 USD, at most 9.00 USD',
  )
  checkConfirmed(estimate, { confirmAboveUsd: 3, isConfirmed: false })
  checkConfirmed(estimate, { confirmAboveUsd: 0, isConfirmed: true })
  checkConfirmed({ ...estimate, usd: null }, { confirmAboveUsd: 0, isConfirmed: false })
  checkConfirmed(null, { confirmAboveUsd: 0, isConfirmed: false })
  expect(() => checkConfirmed(estimate, { confirmAboveUsd: 2.9, isConfirmed: false })).toThrow(
    /more than judge\.confirmAboveUsd \(2\.9 USD\).*--yes/,
  )
})
