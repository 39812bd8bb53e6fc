import { expect, test } from 'vitest'
import { createLogprobProtocol } from '../protocols/logprob-protocol.ts'
import { parseProtocol, readProtocol } from './parse-protocol.ts'

const parse = (text: string) => parseProtocol(text, { file: 'p.yaml' })

test('rubrics alone make the reference protocol over them, verbatim', () => {
  const protocol = parse('judge_prompts:\n  tone: "Rate the tone of {answer}"\n')
  expect(protocol).toEqual(
    createLogprobProtocol({
      rubrics: { tone: { text: 'Rate the tone of {answer}', insertion: 'verbatim' } },
    }),
  )
})

test('the protocol, its options and the insertion can be told', () => {
  expect(
    parse(`
protocol: labels
insertion: neutralised
labels: [0, 1, often]
values: [0, 1, 5]
method: text
max_tokens: 100
max_tokens_field: max_completion_tokens
temperature: null
judge_prompts: &prompts
  role: "Rate {answer}"
`),
  ).toMatchObject({
    name: 'labels',
    rubrics: { role: { insertion: 'neutralised' } },
    minMass: null,
    parameters: {
      method: 'text',
      labels: [
        { label: '0', value: 0 },
        { label: '1', value: 1 },
        { label: 'often', value: 5 },
      ],
      maxTokens: 100,
      maxTokensField: 'max_completion_tokens',
      temperature: null,
    },
  })
  expect(parse('min_mass: 0.5\njudge_prompts: {a: "{answer}"}')).toMatchObject({ minMass: 0.5 })
})

test.each([
  ['', /it is not a mapping/],
  ['[]', /it is not a mapping/],
  ['protocol: text-score', /judge_prompts: a mapping of metrics/],
  ['judge_prompts: {}', /it has no rubric/],
  ['judge_prompts: {a: Rate it}', /judge_prompts\.a: it has no \{answer\}/],
  ['judge_prompts: {a: "{anwser}"}', /did you mean \{answer\}/],
  ['judge_prompts: {a: "{answer}"}\nprotocol: text', /protocol: /],
  ['judge_prompts: {a: "{answer}"}\nminmass: 1', /"minmass" is not known; did you mean min_mass/],
  ['judge_prompts: {a: "{answer}"}\nmin_mass: 2', /min_mass: /],
  ['judge_prompts: {a: "{answer}"}\nlabels: [a, b]', /logprob-0-100 does not take labels/],
  ['judge_prompts: {a: "{answer}"}\nprotocol: labels\nlabels: [a]', /give at least two/],
])('%j is refused with what is wrong', (text, message) => {
  expect(() => parse(text)).toThrow(
    expect.objectContaining({ code: 'bad-protocol-file', message: expect.stringMatching(message) }),
  )
})

test('what is no YAML, and no file, is named', async () => {
  expect(() => parse('a: [')).toThrow(expect.objectContaining({ code: 'bad-yaml' }))
  await expect(readProtocol('/nowhere/p.yaml')).rejects.toMatchObject({
    code: 'protocol-file-unreadable',
    message: expect.stringContaining('/nowhere/p.yaml'),
  })
})
