import { expect, test } from 'vitest'
import { completionBody } from '../test/fault-server.ts'
import { readCompletion } from './chat-completion.ts'

test('an answer of the usual shape is read, with the alternatives in the order of the server', () => {
  const top = [
    { token: '3', logprob: -2 },
    { token: '87', logprob: -0.1 },
  ]
  expect(readCompletion(completionBody({ top }))).toEqual({
    text: '87',
    refusal: undefined,
    finishReason: 'length',
    topLogprobs: top,
    logprobs: [{ token: '87', logprob: -0.1, topLogprobs: top }],
    model: 'judge-2024-08-06',
    systemFingerprint: 'fp_07871e2ad8',
    usage: { promptTokens: 312, completionTokens: 1 },
  })
})

test('what a server may leave out is undefined, never made up', () => {
  const body = { choices: [{ message: { content: null, refusal: 'I cannot.' } }] }
  expect(readCompletion(body)).toEqual({
    text: '',
    refusal: 'I cannot.',
    finishReason: undefined,
    topLogprobs: undefined,
    logprobs: undefined,
    model: undefined,
    systemFingerprint: undefined,
    usage: undefined,
  })
  for (const logprobs of [null, {}, { content: null }, { content: [] }])
    expect(
      readCompletion({ choices: [{ message: { content: 'x' }, logprobs }] }).topLogprobs,
    ).toBeUndefined()
})

test.each([
  ['<html>', 'not JSON'],
  [undefined, 'the answer is not an object'],
  [null, 'the answer is not an object'],
  [[], 'the answer is not an object'],
  [{}, 'choices is not a list'],
  [{ choices: [] }, 'choices[0] is not an object'],
  [{ choices: [{}] }, 'choices[0].message is not an object'],
  [{ choices: [{ message: { content: 87 } }] }, 'choices[0].message.content is not text'],
  [withLogprobs({ content: {} }), 'logprobs.content is not a list'],
  [withLogprobs({ content: [{ token: 'a' }] }), 'content[0].logprob is not a number'],
  [withLogprobs({ content: [{ token: 8, logprob: -1 }] }), 'content[0].token is not text'],
  [
    withLogprobs({ content: [{ token: '8', logprob: -1, top_logprobs: [{ token: '8' }] }] }),
    'content[0][0].logprob is not a number',
  ],
])('%j is refused by the name of its first wrong member', (body, message) => {
  expect(() => readCompletion(body)).toThrow(
    expect.objectContaining({
      code: 'chat-malformed-response',
      message: expect.stringContaining(message),
    }),
  )
})

function withLogprobs(logprobs: unknown) {
  return { choices: [{ message: { content: '8' }, logprobs }] }
}
