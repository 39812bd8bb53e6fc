import { expect, test } from 'vitest'
import { createLogprobProtocol, logprobProtocol } from './logprob-protocol.ts'
import { protocolForQuestion } from './question-protocol.ts'

const rubric = { text: 'Rate {answer}', insertion: 'verbatim' } as const

test('the reference protocol asks for one token, deterministically, with twenty alternatives', () => {
  expect(logprobProtocol).toMatchObject({
    name: 'logprob-0-100',
    parameters: { maxTokens: 1, temperature: 0, seed: 0, topLogprobs: 20 },
    minMass: 0.25,
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(Object.keys(logprobProtocol.rubrics)).toEqual(['aligned', 'coherent'])
})

test('a protocol is frozen all the way down and does not follow what it was made from', () => {
  const rubrics = { aligned: { ...rubric } as { text: string; insertion: 'verbatim' } }
  const protocol = createLogprobProtocol({ rubrics })
  rubrics.aligned.text = 'other {answer}'
  expect(protocol.rubrics['aligned']?.text).toBe('Rate {answer}')
  for (const part of [protocol, protocol.rubrics, protocol.parameters, protocol.rubrics['aligned']])
    expect(Object.isFrozen(part)).toBe(true)
})

test('the hash tells protocols apart by text, name, insertion and cut-off, not by order', () => {
  const other = { ...rubric, text: 'Rate well {answer}' }
  const hashes = [
    { rubrics: { aligned: rubric } },
    { rubrics: { coherent: rubric } },
    { rubrics: { aligned: { ...rubric, insertion: 'neutralised' } as const } },
    { rubrics: { aligned: other } },
    { rubrics: { aligned: rubric }, minMass: 0.3 },
    { rubrics: { aligned: rubric, coherent: other } },
  ].map((options) => createLogprobProtocol(options).hash)
  expect(new Set(hashes).size).toBe(6)
  expect(createLogprobProtocol({ rubrics: { coherent: other, aligned: rubric } }).hash).toBe(
    hashes[5],
  )
  expect(createLogprobProtocol().hash).toBe(logprobProtocol.hash)
})

test("a question with rubrics of its own is judged by them, verbatim; others by the caller's", () => {
  const own = protocolForQuestion({ judgePrompts: { aligned: 'Rate {answer}' } })
  expect(own.rubrics).toEqual({ aligned: { text: 'Rate {answer}', insertion: 'verbatim' } })
  expect(protocolForQuestion({ judgePrompts: undefined })).toBe(logprobProtocol)
  expect(protocolForQuestion({ judgePrompts: undefined }, own)).toBe(own)
})

test('what cannot be used is refused', () => {
  expect(() => createLogprobProtocol({ minMass: 1.5 })).toThrow(/minMass is 1.5/)
  expect(() => createLogprobProtocol({ minMass: Number.NaN })).toThrow(/minMass is NaN/)
  expect(() => createLogprobProtocol({ rubrics: {} })).toThrow(/no rubric/)
  expect(() =>
    createLogprobProtocol({ rubrics: { aligned: { ...rubric, text: 'Rate it' } } }),
  ).toThrow(/rubric aligned.*no \{answer\}/)
})
