import { expect, test, vi } from 'vitest'
import { sendJson, startServer } from '../../../../chat/test/fault-server.ts'
import type { ChatSpeakerConfig } from '../config/speaker-schema.ts'
import { chatSpeaker } from './chat-speaker.ts'
import type { SpeechFailure, SpokenAnswer } from './speaker.ts'

vi.setConfig({ testTimeout: 60_000 })

const sampling = { temperature: 0.5, topP: 0.9, maxTokens: 7 }
const messages = [{ role: 'user', content: 'Hi?' }] as const

const configOf = (
  baseUrl: string,
  changes: Partial<ChatSpeakerConfig> = {},
): ChatSpeakerConfig => ({
  model: 'sage',
  provider: 'openai',
  baseUrl,
  concurrency: 1,
  maxAttempts: 1,
  timeoutInMs: 5000,
  lengthParameter: 'max_tokens',
  sendSeed: true,
  ...changes,
})

async function ask(config: ChatSpeakerConfig, nSamples = 1) {
  await using speaker = chatSpeaker({ config, costBudget: undefined })
  const requests = Array.from({ length: nSamples }, (_, sample) => ({
    key: String(sample),
    messages,
    sample,
  }))
  const answers: (SpokenAnswer | SpeechFailure)[] = []
  for await (const answer of speaker.answer(requests, { sampling, seed: 1 })) answers.push(answer)
  return answers
}

const choice = (message: Record<string, unknown>, finishReason: string) => ({
  model: 'sage-2026',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReason }],
})

test('what is sent is what the config says', async () => {
  await using server = await startServer((_, response) =>
    sendJson(response, choice({ content: 'Hi.' }, 'stop')),
  )
  await ask(configOf(server.baseUrl), 2)
  await ask(
    configOf(server.baseUrl, {
      lengthParameter: 'max_completion_tokens',
      sendSeed: false,
      extraBody: { continue_final_message: true },
    }),
  )
  const [first, second, third] = server.requests.map(({ body }) => body)
  expect(first).toEqual({
    model: 'sage',
    messages,
    temperature: 0.5,
    top_p: 0.9,
    max_tokens: 7,
    seed: expect.any(Number),
  })
  expect(second?.['seed']).not.toBe(first?.['seed'])
  // Servers take signed 32-bit integers.
  for (const body of [first, second])
    expect(Number(body?.['seed'])).toSatisfy((seed: number) => seed >= 0 && seed < 2 ** 31)
  expect(third).toEqual({
    model: 'sage',
    messages,
    temperature: 0.5,
    top_p: 0.9,
    max_completion_tokens: 7,
    continue_final_message: true,
  })
})

test.each([
  ['a whole answer', choice({ content: 'Hi.' }, 'stop'), 'stop', 'Hi.'],
  ['one that was cut off', choice({ content: 'Hi' }, 'length'), 'length', 'Hi'],
  ['a filtered one', choice({ content: '' }, 'content_filter'), 'refused', ''],
  ['a refusal apart', choice({ content: null, refusal: 'No.' }, 'stop'), 'refused', 'No.'],
  ['no text at all', choice({ content: null }, 'stop'), 'stop', ''],
])('%s is told by its end', async (_, body, end, text) => {
  await using server = await startServer((_request, response) => sendJson(response, body))
  expect(await ask(configOf(server.baseUrl))).toEqual([
    {
      status: 'answered',
      key: '0',
      text,
      end,
      model: 'sage-2026',
      promptTokens: null,
      completionTokens: null,
    },
  ])
})

test('a prompt that is too long for the server is an answer that says so', async () => {
  await using server = await startServer((_, response) =>
    sendJson(response, { error: { code: 'context_length_exceeded', message: 'no' } }, 400),
  )
  expect(await ask(configOf(server.baseUrl))).toMatchObject([{ end: 'too-long', text: '' }])
})

test('what may pass is a failure of one answer, and what would meet all ends the work', async () => {
  await using flaky = await startServer(({ index }, response) =>
    index === 1
      ? sendJson(response, { error: { message: 'oops' } }, 500)
      : sendJson(response, choice({ content: 'Hi.' }, 'stop')),
  )
  const answers = await ask(configOf(flaky.baseUrl), 3)
  expect(answers.map(({ status }) => status)).toEqual(['answered', 'failed', 'answered'])
  await using closed = await startServer((_, response) =>
    sendJson(response, { error: { message: 'key' } }, 401),
  )
  await expect(ask(configOf(closed.baseUrl), 3)).rejects.toMatchObject({
    code: 'chat-unauthorized',
  })
  expect(closed.requests).toHaveLength(1)
})

test('a reader that leaves early stops what is under way', async () => {
  let nClosed = 0
  await using server = await startServer(({ index }, response) => {
    response.on('close', () => nClosed++)
    if (index === 0) sendJson(response, choice({ content: 'Hi.' }, 'stop'))
  })
  await using speaker = chatSpeaker({
    config: configOf(server.baseUrl, { concurrency: 3 }),
    costBudget: undefined,
  })
  const requests = [0, 1, 2, 3].map((sample) => ({ key: String(sample), messages, sample }))
  for await (const _ of speaker.answer(requests, { sampling, seed: 1 })) break
  await expect.poll(() => nClosed).toBe(server.requests.length)
  expect(server.requests.length).toBeLessThanOrEqual(4)
})
