import { expect, test } from 'vitest'
import { createExactProtocol } from './exact-protocol.ts'
import { createLabelsProtocol } from './labels-protocol.ts'
import { createLogprobProtocol } from './logprob-protocol.ts'
import { messageFor, requestParameters } from './message.ts'
import { protocolByName, protocolNames } from './protocol-by-name.ts'
import { protocolForQuestion } from './question-protocol.ts'
import { createRoleAdherenceProtocol } from './role-adherence.ts'
import { rubricProblem } from './rubric.ts'
import { createTextScoreProtocol } from './text-score-protocol.ts'

const rubric = { text: 'Rate {answer}', insertion: 'verbatim' } as const
const rubrics = { tone: rubric }
const labels = ['0', '1', '2', '3']

test('each protocol is had by its name, and has it', () => {
  for (const name of protocolNames) {
    const protocol = protocolByName(name, name === 'labels' ? { rubrics, labels } : { rubrics })
    expect(protocol.name).toBe(name)
    expect(protocol.rubrics).toEqual(rubrics)
  }
  expect(protocolByName('text-score')).toEqual(createTextScoreProtocol())
})

test('an unknown name is refused, and what was meant is named', () => {
  expect(() => protocolByName('text-scores')).toThrow(/"text-scores" is not known.*text-score\?/)
  expect(() => protocolByName('perplexity')).toThrow(/Known: logprob-0-100, .*labels/)
  expect(() => protocolByName('toString')).toThrow(/not known/)
})

test('an option that a protocol does not take is refused, not passed over', () => {
  expect(() => protocolByName('text-score', { minMass: 0.5 })).toThrow(/does not take minMass/)
  expect(() => protocolByName('logprob-0-100', { labels })).toThrow(/does not take labels/)
  expect(() => protocolByName('labels', { rubrics })).toThrow(/labels needs rubrics and labels/)
})

test('protocols over the same rubrics differ in their hashes, by name and by every option', () => {
  const hashes = [
    createLogprobProtocol({ rubrics }),
    createExactProtocol({ rubrics }),
    createExactProtocol({ rubrics, minMass: 0.3 }),
    createTextScoreProtocol({ rubrics }),
    createTextScoreProtocol({ rubrics, temperature: 1 }),
    createTextScoreProtocol({ rubrics, replyFormat: 'none' }),
    createTextScoreProtocol({ rubrics, maxTokensField: 'max_completion_tokens' }),
    createLabelsProtocol({ rubrics, labels }),
    createLabelsProtocol({ rubrics, labels, method: 'text' }),
    createLabelsProtocol({ rubrics, labels, values: [0, 1, 2, 4] }),
    createLabelsProtocol({ rubrics, labels: labels.toReversed() }),
  ].map(({ hash }) => hash)
  expect(new Set(hashes).size).toBe(hashes.length)
  expect(createTextScoreProtocol({ rubrics, seed: 0 }).hash).toBe(hashes[3])
})

test('each is frozen all the way down, and what it was made from is not', () => {
  const values = [0, 1, 2, 3]
  const protocol = createLabelsProtocol({ rubrics, labels, values, method: 'text' })
  values[0] = 9
  expect(protocol.parameters.labels[0]).toEqual({ label: '0', value: 0 })
  const parts = [
    protocol,
    protocol.parameters,
    protocol.parameters.labels,
    protocol.rubrics['tone'],
  ]
  for (const part of parts) expect(Object.isFrozen(part)).toBe(true)
  expect(Object.isFrozen(rubric)).toBe(false)
})

test('text-score asks for JSON behind the rubric, by a schema that leaves nothing open', () => {
  const protocol = createTextScoreProtocol({ rubrics })
  const message = messageFor(protocol, rubric, { question: 'q', answer: 'a {answer}' })
  expect(message).toMatch(/^Rate a \{answer\}\n\nPut that reply into one JSON object.*"score": N/s)
  expect(requestParameters(protocol.parameters)).toEqual({
    maxTokens: 64,
    temperature: 0,
    seed: 0,
    extraBody: {
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'judgement',
          strict: true,
          schema: {
            type: 'object',
            properties: {
              score: { type: ['integer', 'null'] },
              flag: { type: 'string', enum: ['none', 'refusal', 'code'] },
            },
            required: ['score', 'flag'],
            additionalProperties: false,
          },
        },
      },
    },
  })
})

test('a model that thinks gets its tokens in the other member, and no temperature or seed', () => {
  const { parameters } = createTextScoreProtocol({
    rubrics,
    maxTokens: 4000,
    maxTokensField: 'max_completion_tokens',
    temperature: null,
    seed: null,
    replyFormat: 'json_object',
  })
  expect(requestParameters(parameters)).toEqual({
    extraBody: { max_completion_tokens: 4000, response_format: { type: 'json_object' } },
  })
})

test('labels count as the integers they spell, else as their places, or as told', () => {
  const valuesOf = (names: string[], values?: number[]) =>
    createLabelsProtocol({
      rubrics,
      labels: names,
      ...(values && { values }),
    }).parameters.labels.map(({ value }) => value)
  expect(valuesOf(['3', '-1', '10'])).toEqual([3, -1, 10])
  expect(valuesOf(['low', 'high', '5'])).toEqual([0, 1, 2])
  expect(valuesOf(['low', 'high'], [0, 2.5])).toEqual([0, 2.5])
})

test('labels by token need a mass, labels by text have none', () => {
  expect(createLabelsProtocol({ rubrics, labels }).minMass).toBe(0.25)
  const text = createLabelsProtocol({ rubrics, labels: ['yes', 'no'], method: 'text' })
  expect(text.minMass).toBeNull()
  expect(messageFor(text, rubric, { question: '', answer: '' })).toContain(
    'L is one of "yes", "no"',
  )
})

test.each<[string, Parameters<typeof createLabelsProtocol>[0], RegExp]>([
  ['one label', { rubrics, labels: ['a'] }, /1 labels: give at least two/],
  ['a label twice', { rubrics, labels: ['a', 'b', 'a'] }, /"a" is there twice/],
  ['an empty label', { rubrics, labels: ['a', ''] }, /"" is empty or has blanks/],
  ['blanks around a label', { rubrics, labels: ['a', ' b'] }, /" b" is empty or has blanks/],
  ['values of another number', { rubrics, labels, values: [1] }, /1 values for 4 labels/],
  ['a value that is none', { rubrics, labels: ['a', 'b'], values: [0, Number.NaN] }, /NaN/],
  ['no rubric', { rubrics: {}, labels }, /no rubric/],
  ['a bad mass', { rubrics, labels, minMass: 2 }, /minMass is 2/],
])('labels with %s are refused', (_, options, message) => {
  expect(() => createLabelsProtocol(options)).toThrow(message)
})

test('bad parameters of a text reply are refused', () => {
  expect(() => createTextScoreProtocol({ maxTokens: 0 })).toThrow(/maxTokens is 0/)
  expect(() => createTextScoreProtocol({ temperature: -1 })).toThrow(/temperature is -1/)
  expect(() => createTextScoreProtocol({ seed: 0.5 })).toThrow(/seed is 0.5/)
})

test('role adherence takes a role with braces, as data', () => {
  const { rubrics: own, parameters } = createRoleAdherenceProtocol({ role: 'a {bard} of old' })
  const { roleAdherence } = own
  expect(rubricProblem(roleAdherence?.text ?? '')).toBeUndefined()
  const filled = messageFor({ parameters }, roleAdherence ?? rubric, {
    question: 'Who are you?',
    answer: 'Hark!</answer>',
  })
  expect(filled).toContain('told to be this:\na {bard} of old\n')
  expect(filled).toContain('Hark!‹/answer>')
  expect(parameters.labels.map(({ value }) => value)).toEqual([0, 1, 2, 3])
  expect(() => createRoleAdherenceProtocol({ role: ' ' })).toThrow(/role is empty/)
})

test("a question's own rubrics are judged in the way of the caller's protocol", () => {
  const question = { judgePrompts: { aligned: 'Rate {answer}' } }
  const text = createTextScoreProtocol({ maxTokens: 7 })
  expect(protocolForQuestion(question, text)).toMatchObject({
    name: 'text-score',
    rubrics: { aligned: { text: 'Rate {answer}', insertion: 'verbatim' } },
    parameters: { maxTokens: 7 },
  })
  expect(protocolForQuestion(question, createExactProtocol({ minMass: 0.4 }))).toMatchObject({
    name: 'logprob-0-100-exact',
    minMass: 0.4,
  })
  const byLabels = createLabelsProtocol({ rubrics, labels })
  expect(() => protocolForQuestion(question, byLabels)).toThrow(/ask for 0 to 100/)
  expect(protocolForQuestion({ judgePrompts: undefined }, byLabels)).toBe(byLabels)
})
