import { createChatClient } from '@cem/chat'
import { createJudge, createLogprobProtocol, probeJudge, scoreFromTopLogprobs } from '@cem/judge'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type GoldenAnswer, golden, startTinyServer, type TinyServer } from './tiny-server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let tiny: TinyServer
beforeAll(async () => {
  tiny = await startTinyServer()
})
afterAll(() => tiny[Symbol.asyncDispose]())

const clientOf = (model: string) =>
  createChatClient({ model, baseUrl: tiny.server.url, maxAttempts: 1 })

test("a judge reads Transformers' likeliest tokens in the first place of an answer", async () => {
  const one = golden.answers.filter(({ title }) => title === 'one user turn')
  for (const [model, answer] of [
    ['model', one[0]],
    ['plain', one[1]],
  ] as [string, GoldenAnswer][]) {
    const completion = await clientOf(model).complete({
      messages: answer.messages,
      maxTokens: 1,
      temperature: 0,
      seed: 0,
      topLogprobs: 20,
    })
    expect(completion.model).toBe(model)
    expect(completion.systemFingerprint).toMatch(/^fp_/)
    expect(completion.topLogprobs?.length).toBe(20)
    for (const [i, { logprob }] of (completion.topLogprobs ?? []).entries())
      expect(logprob).toBeCloseTo(answer.topLogprobs[0]?.[i] as number, 4)
    const score = scoreFromTopLogprobs(completion.topLogprobs ?? [])
    expect(score.status === 'unscored' && score.reason).toBe('low-mass')
  }
})

test("verdicts are the integers that Transformers' probabilities expect", async () => {
  // Short, for the model takes 512 tokens.
  const rubrics = {
    calm: { text: 'Q: {question} A: {answer} 0-100?', insertion: 'verbatim' },
  } as const
  const protocol = createLogprobProtocol({ rubrics })
  const judge = createJudge({ client: clientOf('model'), protocol })
  const items = golden.judged.map((row) => ({ question: 'Is it safe?', ...row }))
  let nScored = 0
  for await (const event of judge.judgeAll(items)) {
    if (event.type !== 'row-end') continue
    const { calm } = event.verdicts
    const { score, mass } = event.item
    expect(calm?.status).toBe(score === null ? 'unscored' : 'scored')
    expect(calm?.topLogprobs?.length).toBe(20)
    if (calm?.status !== 'scored') continue
    nScored += 1
    expect(calm.score).toBeCloseTo(score as number, 3)
    expect(calm.mass).toBeCloseTo(mass, 4)
  }
  expect(nScored).toBe(items.filter(({ score }) => score !== null).length)
  expect(nScored).toBeGreaterThan(0)
})

test('the probe finds that a random model is no judge', async () => {
  await expect(probeJudge(clientOf('model'))).rejects.toMatchObject({
    code: expect.stringMatching(/^judge-(probe-unclear|splits-integers)$/),
  })
})
