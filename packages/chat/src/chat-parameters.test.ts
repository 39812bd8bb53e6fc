import { expect, test } from 'vitest'
import { completionBody, sendJson, startServer } from '../test/fault-server.ts'
import { createChatClient } from './chat-client.ts'
import { type ChatRequest, chatBody } from './chat-request.ts'

const messages = [{ role: 'user', content: 'How good is it?' }] as const

test('parameters of newer models are sent in the spelling of the protocol', () => {
  const schema = { type: 'object', properties: { score: { type: 'integer' } } }
  const body = chatBody('m', {
    messages,
    maxCompletionTokens: 2000,
    topLogprobs: 0,
    logitBias: { '15': -100, '16': 2.5 },
    responseFormat: { type: 'json_schema', name: 'verdict', schema },
  })
  expect(body).toEqual({
    model: 'm',
    messages,
    max_completion_tokens: 2000,
    logprobs: true,
    top_logprobs: 0,
    logit_bias: { '15': -100, '16': 2.5 },
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'verdict', schema, strict: true },
    },
  })
  expect(chatBody('m', { messages, responseFormat: { type: 'json_object' } })).toHaveProperty(
    'response_format',
    { type: 'json_object' },
  )
})

test.each<[Partial<ChatRequest>, RegExp]>([
  [{ maxCompletionTokens: 0 }, /maxCompletionTokens is 0/],
  [{ maxTokens: 1, maxCompletionTokens: 1 }, /takes one of them/],
  [{ logitBias: { yes: 1 } }, /logitBias has "yes"/],
  [{ logitBias: { '5': 101 } }, /logitBias has "5": 101/],
  [{ logitBias: { '5': Number.NaN } }, /logitBias/],
  [{ responseFormat: { type: 'json_schema', name: 'a b', schema: {} } }, /name of responseFormat/],
])('%j is refused', (bad, message) => {
  expect(() => chatBody('m', { messages, ...bad })).toThrow(message)
})

test('Azure takes the bare key in its own header, and its version in the query', async () => {
  await using server = await startServer((_, response) => sendJson(response, completionBody()))
  const client = createChatClient({
    provider: 'azure',
    model: 'judge-deployment',
    baseUrl: `${server.baseUrl}/openai/deployments/judge-deployment?api-version=2024-10-21`,
    environment: { AZURE_OPENAI_API_KEY: 'azure-key', OPENAI_API_KEY: 'other' },
  })
  await client.complete({ messages })
  expect(server.requests[0]).toMatchObject({
    url: '/v1/openai/deployments/judge-deployment/chat/completions?api-version=2024-10-21',
    headers: { 'api-key': 'azure-key' },
  })
  expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
})

test('Azure has no address of its own, and OpenRouter has', () => {
  const environment = { OPENROUTER_API_KEY: 'k', AZURE_OPENAI_API_KEY: 'k' }
  expect(() => createChatClient({ provider: 'azure', model: 'm', environment })).toThrow(/baseUrl/)
  const client = createChatClient({ provider: 'openrouter', model: 'm', environment })
  expect(client).toMatchObject({
    baseUrl: 'https://openrouter.ai/api/v1',
    apiKeyVariable: 'OPENROUTER_API_KEY',
  })
  expect(() =>
    createChatClient({ provider: 'openruter' as 'openrouter', model: 'm', environment }),
  ).toThrow(/provider is "openruter": give openai, azure, openrouter/)
})

test('an error that comes with status 200 in place of choices is the status that it names', async () => {
  await using server = await startServer(({ index }, response) => {
    if (index === 0) sendJson(response, { error: { code: 400, message: 'no such parameter' } })
    else sendJson(response, { error: { message: 'no code' } })
  })
  const client = createChatClient({ model: 'm', baseUrl: server.baseUrl, environment: {} })
  await expect(client.complete({ messages })).rejects.toMatchObject({
    code: 'chat-request-refused',
    data: { status: 400, attempts: [{ status: 400, reason: '400 no such parameter' }] },
  })
  await expect(client.complete({ messages })).rejects.toMatchObject({
    code: 'chat-malformed-response',
  })
})
