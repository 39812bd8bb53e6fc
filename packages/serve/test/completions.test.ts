import type { CompletionCreateParamsNonStreaming } from 'openai/resources/completions'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  bytesOf,
  type GoldenAnswer,
  golden,
  nameOf,
  startTinyServer,
  type TinyServer,
} from './tiny-server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let tiny: TinyServer
beforeAll(async () => {
  tiny = await startTinyServer()
})
afterAll(() => tiny[Symbol.asyncDispose]())

const answers = golden.answers.filter(({ title }) => title !== 'emoji')
const textOf = (ids: readonly number[]) => Buffer.from(bytesOf(ids).flat()).toString('utf8')

/** A token's text as completions have it. */
function shown(id: number): string {
  const [bytes = []] = bytesOf([id])
  const text = Buffer.from(bytes).toString('utf8')
  if (Buffer.from(text).equals(Buffer.from(bytes))) return text
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
}

const scoring = (answer: GoldenAnswer, prompt: string | number[]) =>
  ({
    model: nameOf(answer.adapters),
    prompt,
    echo: true,
    logprobs: 1,
    max_tokens: 0,
  }) satisfies CompletionCreateParamsNonStreaming

test("a prompt's own log-probabilities are Transformers', from its ids and from its text", async () => {
  for (const answer of answers)
    for (const prompt of [[...answer.promptIds], textOf(answer.promptIds)]) {
      const completion = await tiny.client.completions.create(scoring(answer, prompt))
      const [choice] = completion.choices
      expect(choice?.text).toBe(textOf(answer.promptIds))
      const { tokens, token_logprobs: logprobs, text_offset: offsets } = choice?.logprobs ?? {}
      expect(tokens).toEqual(answer.promptIds.map(shown))
      expect(logprobs?.[0]).toBeNull()
      for (const [i, logprob] of answer.promptLogprobs.entries())
        expect(logprobs?.[i + 1]).toBeCloseTo(logprob, 4)
      for (const [i, offset] of (offsets ?? []).entries())
        expect(choice?.text.startsWith(tokens?.[i] ?? '', offset)).toBe(true)
      expect(completion.usage).toMatchObject({ prompt_tokens: answer.promptIds.length })
    }
})

test('scoring as evaluation harnesses do it: a prompt with its answer, one more token, and the likeliest beside', async () => {
  const prompts = answers.map(({ promptIds, answerIds }) => [...promptIds, ...answerIds])
  const base = answers.filter(({ adapters }) => adapters.length === 0)
  const completion = await tiny.client.completions.create({
    model: 'model',
    prompt: prompts.slice(0, base.length),
    echo: true,
    logprobs: 1,
    max_tokens: 1,
    temperature: 0,
  })
  expect(completion.choices.map(({ index }) => index)).toEqual(base.map((_, i) => i))
  for (const [i, { promptIds, answerIds, logprobs }] of base.entries()) {
    const found = completion.choices[i]?.logprobs
    const start = promptIds.length
    expect(found?.tokens?.length).toBe(start + answerIds.length + 1)
    for (const [j, logprob] of logprobs.entries()) {
      expect(found?.token_logprobs?.[start + j]).toBeCloseTo(logprob, 4)
      // The continuation is greedy, so that the likeliest token at each place is the one that is there.
      const top = Object.entries(found?.top_logprobs?.[start + j] ?? {})
      expect(top.map(([token]) => token)).toEqual([shown(answerIds[j] as number)])
    }
  }
})

test('completions give the text of greedy tokens, streamed as well, for several prompts side by side', async () => {
  const base = answers.filter(({ adapters }) => adapters.length === 0)
  const request = {
    model: 'model',
    prompt: base.map(({ promptIds }) => [...promptIds]),
    temperature: 0,
    max_tokens: 6,
    n: 2,
  }
  const expected = base.flatMap(({ answerIds }) => {
    const end = answerIds.findIndex((id) => id === 319 || id === 317)
    const text = textOf(answerIds.slice(0, end === -1 ? 6 : Math.min(6, end)))
    return [text, text]
  })
  const whole = await tiny.client.completions.create(request)
  expect(whole.choices.map(({ text }) => text)).toEqual(expected)
  const streamed = expected.map(() => '')
  const reasons = new Map<number, string | null>()
  for await (const chunk of await tiny.client.completions.create({ ...request, stream: true }))
    for (const { index, text, finish_reason: reason } of chunk.choices) {
      streamed[index] += text
      if (reason !== null) reasons.set(index, reason)
    }
  expect(streamed).toEqual(expected)
  expect([...reasons.keys()].toSorted((a, b) => a - b)).toEqual(expected.map((_, i) => i))
})

test('the tokens of half a character are shown as bytes', async () => {
  const [half = 0] = (
    golden.answers.find(({ title }) => title === 'emoji') as GoldenAnswer
  ).promptIds.filter((id) => Buffer.from(bytesOf([id])[0] ?? []).toString('utf8') === '\ufffd')
  const completion = await tiny.client.completions.create({
    model: 'model',
    prompt: [half, half],
    echo: true,
    logprobs: 0,
    max_tokens: 0,
  })
  expect(shown(half)).toMatch(/^bytes:\\x[0-9a-f]{2}$/)
  expect(completion.choices[0]?.logprobs?.tokens).toEqual([shown(half), shown(half)])
})
