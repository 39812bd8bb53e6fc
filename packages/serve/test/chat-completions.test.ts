import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
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

/** The fixtures' model ends an answer with these tokens; golden answers go on. */
const stopIds = [319, 317]
const endOf = (ids: readonly number[]) => ids.findIndex((id) => stopIds.includes(id))

/** The tokens of a golden answer up to where a server ends it. */
function ended({ answerIds }: GoldenAnswer) {
  const at = endOf(answerIds)
  return {
    ids: at === -1 ? answerIds : answerIds.slice(0, at),
    reason: at === -1 ? 'length' : 'stop',
  }
}

const greedy = (answer: GoldenAnswer): ChatCompletionCreateParamsNonStreaming => ({
  model: nameOf(answer.adapters),
  messages: [...answer.messages],
  temperature: 0,
  max_tokens: answer.answerIds.length,
})

const textOf = (ids: readonly number[]) => Buffer.from(bytesOf(ids).flat()).toString('utf8')

describe('answers are those of Transformers and PEFT', () => {
  const titles = golden.answers.map(
    (answer) => [`${nameOf(answer.adapters)}: ${answer.title}`, answer] as const,
  )

  test.each(titles)('%s', async (_, answer) => {
    const { ids, reason } = ended(answer)
    const completion = await tiny.client.chat.completions.create({
      ...greedy(answer),
      logprobs: true,
      top_logprobs: 20,
    })
    const [choice] = completion.choices
    expect(choice?.message).toMatchObject({
      role: 'assistant',
      content: textOf(ids),
      refusal: null,
    })
    expect(choice?.finish_reason).toBe(reason)
    const content = choice?.logprobs?.content ?? []
    expect(content.map(({ bytes }) => bytes)).toEqual(bytesOf(ids))
    for (const [i, { logprob }] of content.entries())
      expect(logprob).toBeCloseTo(answer.logprobs[i] as number, 4)
    for (const [i, top] of answer.topIds.slice(0, Math.max(1, ids.length)).entries()) {
      const found = content[i]?.top_logprobs ?? []
      expect(found.map(({ bytes }) => bytes)).toEqual(bytesOf(top))
      for (const [j, { logprob }] of found.entries())
        expect(logprob).toBeCloseTo(answer.topLogprobs[i]?.[j] as number, 4)
    }
    expect(completion.usage).toEqual({
      prompt_tokens: answer.promptIds.length,
      completion_tokens: ids.length,
      total_tokens: answer.promptIds.length + ids.length,
    })
    expect(completion.model).toBe(nameOf(answer.adapters))
    expect(completion.system_fingerprint).toMatch(/^fp_[0-9a-f]{64}$/)
  })

  test('also when all are asked at once, each adapter in its turn', async () => {
    const completions = await Promise.all(
      golden.answers.map((answer) => tiny.client.chat.completions.create(greedy(answer))),
    )
    for (const [i, answer] of golden.answers.entries())
      expect(completions[i]?.choices[0]?.message.content).toBe(textOf(ended(answer).ids))
    const prints = new Set(completions.map((completion) => completion.system_fingerprint))
    expect(prints.size).toBe(3)
  })

  test('a stream gives the same text in pieces, then the reason, the usage and the end', async () => {
    for (const answer of golden.answers) {
      const { ids, reason } = ended(answer)
      const stream = await tiny.client.chat.completions.create({
        ...greedy(answer),
        stream: true,
        stream_options: { include_usage: true },
        logprobs: true,
        top_logprobs: 2,
      })
      const chunks = []
      for await (const chunk of stream) chunks.push(chunk)
      const deltas = chunks.flatMap((chunk) => chunk.choices)
      expect(deltas[0]?.delta).toMatchObject({ role: 'assistant', content: '' })
      expect(deltas.map((delta) => delta.delta.content ?? '').join('')).toBe(textOf(ids))
      const content = deltas.flatMap((delta) => delta.logprobs?.content ?? [])
      if (ids.length > 0) expect(content.map(({ bytes }) => bytes)).toEqual(bytesOf(ids))
      expect(deltas.map((delta) => delta.finish_reason).filter((one) => one !== null)).toEqual([
        reason,
      ])
      expect(chunks.at(-1)).toMatchObject({
        choices: [],
        usage: { prompt_tokens: answer.promptIds.length, completion_tokens: ids.length },
      })
      expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1)
    }
  })

  test('a message that was begun is continued', async () => {
    const cases = golden.unfinished.filter(
      ({ model, title, ids }) =>
        // Transformers makes special tokens of what is said; here it stays text.
        model === 'gqa-6-2-tied' && ids && title !== 'special tokens in the content',
    )
    for (const { messages, ids, answerIds } of cases) {
      const completion = await tiny.client.chat.completions.create({
        model: 'model',
        messages: [...messages],
        temperature: 0,
        max_tokens: answerIds?.length ?? 0,
        continue_final_message: true,
        logprobs: true,
      } as ChatCompletionCreateParamsNonStreaming)
      const end = endOf(answerIds ?? [])
      const expected = end === -1 ? answerIds : answerIds?.slice(0, Math.max(1, end))
      const content = completion.choices[0]?.logprobs?.content ?? []
      expect(content.map(({ bytes }) => bytes)).toEqual(bytesOf(expected ?? []))
      expect(completion.usage?.prompt_tokens).toBe(ids?.length)
    }
    expect(cases.length).toBeGreaterThan(8)
  })
})

describe('sampling', () => {
  const request = {
    model: 'plain',
    messages: [{ role: 'user', content: 'Where?' }],
    max_tokens: 30,
    seed: 5,
  } satisfies ChatCompletionCreateParamsNonStreaming
  const texts = async (over: Partial<ChatCompletionCreateParamsNonStreaming>) =>
    (await tiny.client.chat.completions.create({ ...request, ...over })).choices.map(
      (choice) => choice.message.content,
    )

  test('a seed gives the same answers, whatever runs beside; n of them differ', async () => {
    const alone = await texts({ n: 5 })
    expect(new Set(alone).size).toBe(5)
    const others = [1, 2, 3].map((seed) => texts({ n: 7, seed, max_tokens: 50 }))
    expect(await texts({ n: 5 })).toEqual(alone)
    await Promise.all(others)
    expect(await texts({ n: 2 })).toEqual(alone.slice(0, 2))
    expect(await texts({ seed: 6 })).not.toEqual(alone.slice(0, 1))
  })

  test('without a seed answers differ, and the answer says the seed that gives it again', async () => {
    const { seed: _, ...free } = request
    const one = await tiny.client.chat.completions.create(free)
    const other = await tiny.client.chat.completions.create(free)
    expect(one.choices[0]?.message.content).not.toBe(other.choices[0]?.message.content)
    const { seed } = one as unknown as { seed: number }
    expect(await texts({ seed })).toEqual([one.choices[0]?.message.content])
  })

  test('a stop text cuts the answer before it, in one piece and as a stream', async () => {
    const [whole = ''] = await texts({ logprobs: true })
    // The shortest text inside that was not there before, across the borders of tokens.
    const at = 8
    const stop = whole?.slice(at, at + 3) ?? ''
    const cut = whole?.slice(0, whole.indexOf(stop))
    const completion = await tiny.client.chat.completions.create({
      ...request,
      stop: ['never there', stop],
      logprobs: true,
    })
    const [choice] = completion.choices
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: cut } })
    const bytes = (choice?.logprobs?.content ?? []).flatMap((token) => token.bytes ?? [])
    const said = Buffer.from(bytes).toString('utf8')
    expect(said.startsWith(cut ?? 'no text')).toBe(true)
    expect(said.length - (cut?.length ?? 0)).toBeLessThan(3)
    let streamed = ''
    const stream = await tiny.client.chat.completions.create({ ...request, stop, stream: true })
    for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? ''
    expect(streamed).toBe(cut)
  })

  test('each of n answers stops at its own place', async () => {
    const whole = await texts({ n: 6, max_tokens: 60 })
    const stop = 'e'
    expect(await texts({ n: 6, max_tokens: 60, stop })).toEqual(
      whole.map((text) => text?.split(stop)[0]),
    )
  })

  test('an answer that ends at once keeps what was likely at its first place', async () => {
    const answer = golden.answers.find((one) => endOf(one.answerIds) > 0) as GoldenAnswer
    const at = endOf(answer.answerIds)
    const begun = textOf(answer.answerIds.slice(0, at))
    const completion = await tiny.client.chat.completions.create({
      ...greedy(answer),
      messages: [...answer.messages, { role: 'assistant', content: begun }],
      continue_final_message: true,
      logprobs: true,
      top_logprobs: 3,
    } as ChatCompletionCreateParamsNonStreaming)
    const [choice] = completion.choices
    expect(completion.usage).toMatchObject({
      prompt_tokens: answer.promptIds.length + at,
      completion_tokens: 0,
    })
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: '' } })
    const [first, ...others] = choice?.logprobs?.content ?? []
    expect(others).toEqual([])
    expect(first?.bytes).toEqual(bytesOf([answer.answerIds[at] as number])[0])
    expect(first?.logprob).toBeCloseTo(answer.logprobs[at] as number, 4)
    expect(first?.top_logprobs.length).toBe(3)
  })
})
