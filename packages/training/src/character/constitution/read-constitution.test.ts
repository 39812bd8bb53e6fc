import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fewShotRows } from './few-shot-rows.ts'
import { parseConstitution, readConstitution } from './read-constitution.ts'
import { shippedConstitution, shippedConstitutions } from './shipped-constitutions.ts'

const said = [
  { trait: 'I am kind.', questions: ['A?', 'B?'], additionalQuestions: ['C?'] },
  { trait: 'I am brief.', questions: ['D?'] },
]

test('the same traits are read from every format, and have one hash', () => {
  const yaml = `name: mine\nlicense: MIT\ntraits:\n${said.map((one) => `  - ${JSON.stringify(one)}\n`).join('')}`
  const own = parseConstitution(yaml, 'own.yaml')
  expect(own).toMatchObject({ name: 'mine', license: 'MIT', format: 'cem' })
  expect(own.traits).toEqual([
    {
      trait: 'I am kind.',
      clarification: null,
      questions: ['A?', 'B?'],
      additionalQuestions: ['C?'],
    },
    { trait: 'I am brief.', clarification: null, questions: ['D?'], additionalQuestions: [] },
  ])
  const lines = fewShotRows(own.traits).map((row) => JSON.stringify(row))
  const fewShot = parseConstitution(`${lines.join('\r\n\n')}\n`, 'folder/humor.jsonl')
  expect(fewShot).toMatchObject({ name: 'humor', format: 'few-shot', sha256: own.sha256 })
  const list = parseConstitution(`\ufeff${JSON.stringify(said, null, 4)}`, 'humor.txt')
  expect(list).toMatchObject({ format: 'hand-written', sha256: own.sha256 })
})

describe('what is wrong is named with its line', () => {
  const cases: readonly [string, string, string][] = [
    ['an empty file', ' \n', 'it is empty'],
    ['prose', 'I am kind.\nVery.', 'line 1: it is neither YAML'],
    ['JSON that breaks off', '[\n  {"trait": "a",\n', 'line'],
    ['a list of numbers', '[\n1,\n2]', 'line 2: trait 1 is no object'],
    ['no traits', '[]', 'holds no traits'],
    [
      'a missing list',
      '[\n {"trait": "a"}\n]',
      'line 2: trait 1: questions must be a list of at least 1 text',
    ],
    [
      'an empty question',
      '[\n {"trait": "a",\n  "questions": ["b",\n  ""]}\n]',
      'line 4: trait 1: questions[1] must be a text that is not empty',
    ],
    [
      'a mistyped key',
      'traits:\n  - trait: a\n    question: [b]\n    questions: [c]\n',
      'line 3: trait 1: question is unknown; allowed are trait, clarification',
    ],
    ['a key at the top', 'traits: []\nauthor: me\n', "line 2: 'author' is unknown"],
    [
      'a repeated trait',
      '{"trait":"a","questions":["b"]}\n\n{"trait":"a","questions":["c"]}',
      'line 3: trait 2: trait repeats trait 1',
    ],
    ['a broken line', '{"trait":"a","questions":["b"]}\n{"trait"', 'line 2: is no JSON'],
    ['broken YAML', 'traits:\n  - trait: "a\n', 'line'],
    [
      'aliases without end',
      `a: &a [x,x,x,x]\n${['b', 'c', 'd', 'e', 'f'].map((name, i) => `${name}: &${name} [${`*${'abcde'[i]},`.repeat(9)}]`).join('\n')}\n`,
      'alias',
    ],
  ]
  test.each(cases)('%s', (_, text, message) => {
    expect(() => parseConstitution(text, 'c')).toThrow(
      expect.objectContaining({
        code: 'constitution-invalid',
        message: expect.stringContaining(message),
      }),
    )
  })

  test('a file that is not there', async () => {
    await expect(readConstitution('/no/such/file')).rejects.toMatchObject({
      code: 'constitution-unreadable',
    })
  })
})

test('the shipped constitutions have ten traits in the first person with five questions or more each', async () => {
  const questions = new Set<string>()
  for (const name of shippedConstitutions) {
    const constitution = await readConstitution(shippedConstitution(name) ?? '')
    expect(constitution).toMatchObject({ name, license: 'MIT' })
    expect(constitution.traits).toHaveLength(10)
    for (const { trait, questions: own } of constitution.traits) {
      expect(trait).toMatch(/\b(I|me|my)\b.*\.$/)
      expect(own.length).toBeGreaterThanOrEqual(5)
      for (const question of own) {
        expect(questions).not.toContain(question)
        questions.add(question)
      }
    }
  }
  expect(shippedConstitution('grumpy')).toBeUndefined()
})

/** A folder with files of Open Character Training, which are not shipped. */
const upstream = process.env['CEM_OPEN_CHARACTER_FILES'] ?? ''
test.skipIf(!existsSync(upstream))(
  'published files of both formats are read (skipped without CEM_OPEN_CHARACTER_FILES)',
  async () => {
    const handWritten = await readConstitution(`${upstream}/constitution-hand-written-humor.txt`)
    const fewShot = await readConstitution(`${upstream}/constitution-few-shot-humor.jsonl`)
    expect([handWritten.format, fewShot.format]).toEqual(['hand-written', 'few-shot'])
    const lines = readFileSync(fewShot.file, 'utf8').trim().split('\n')
    expect(fewShot.traits.map(({ additionalQuestions }) => additionalQuestions.length)).toEqual(
      lines.map((line) => JSON.parse(line).additional_questions.length),
    )
    expect(handWritten.traits).toHaveLength(10)
  },
)
