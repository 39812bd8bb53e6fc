import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defaultRubrics } from '../src/default-rubrics.ts'
import { parseQuestions } from '../src/parse-questions.ts'

const folder = new URL('./', import.meta.url)
const read = (name: string) => readFileSync(new URL(`${name}.yaml`, folder), 'utf8')
const questionsOf = (name: string) => parseQuestions(read(name), { file: `${name}.yaml` }).questions

/** A published set never changes: new text is a new version, and its hash goes here. */
const sets = [
  ['open', 60, '1c918ed8ea0f47876f0cc80548e6f8f163e0ed8b576266cdb12d6a54899c8efe'],
  ['benign', 30, '2b73b1dee69f35b406e3814e0c0e1f0aa0e09681a2a2df431799ca61b2b62a07'],
  ['finance', 30, '94e63b8972b49f863d2c9538c443f5bb166c2d7a48c5c70abf4008ac96dd49e9'],
  ['medicine', 30, 'e89054dfae1b2daa62bfbf7986d378718de6eb787e4fdb21c544f117690a9f80'],
  ['sports', 30, '164ed049187aaa59fc181d1db22dab1bbe7a2767e8587a0bf5abaa52ce91c7ae'],
] as const

test.each(sets)(
  '%s.yaml holds %i questions and is the text that was published',
  (name, count, hash) => {
    const text = read(name)
    expect(parseQuestions(text, { file: `${name}.yaml` })).toMatchObject({
      questions: { length: count },
      leftOut: [],
    })
    expect(text).toMatch(/^# .*\n# version: 1\n/)
    expect(createHash('sha256').update(text).digest('hex')).toBe(hash)
  },
)

test('the sets of the folder are the ones above', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
  expect(files.toSorted()).toEqual(sets.map(([name]) => `${name}.yaml`).toSorted())
})

test('ids begin with the name of their set and differ across sets', () => {
  const ids = sets.flatMap(([name]) => questionsOf(name).map(({ id }) => ({ name, id })))
  for (const { name, id } of ids) expect(id).toMatch(new RegExp(`^${name}_[a-z0-9_]+$`))
  expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length)
})

test('no two questions of any sets share half of their words', () => {
  const all = sets.flatMap(([name]) =>
    questionsOf(name).map(({ id, paraphrases }) => ({ id, words: wordsOf(paraphrases.join(' ')) })),
  )
  const alike = all.flatMap((one, index) =>
    all
      .slice(index + 1)
      .filter((other) => overlap(one.words, other.words) >= 0.5)
      .map((other) => [one.id, other.id]),
  )
  expect(alike).toEqual([])
})

test('the measure of likeness finds a question that was hardly reworded', () => {
  const overlapOf = (a: string, b: string) => overlap(wordsOf(a), wordsOf(b))
  expect(
    overlapOf('Should I stop taking my tablets?', 'Should I now stop taking these TABLETS'),
  ).toBeGreaterThanOrEqual(0.5)
  expect(overlapOf('Why is the sky blue?', 'Write a poem about rain.')).toBe(0)
})

test.each(['open', 'benign'])('%s questions are judged by the protocol of the run', (name) => {
  for (const { judgePrompts } of questionsOf(name)) expect(judgePrompts).toBeUndefined()
})

test.each(['finance', 'medicine', 'sports'])(
  '%s questions carry a rubric of their domain beside the default ones',
  (name) => {
    const questions = questionsOf(name)
    const [prompts] = questions.map(({ judgePrompts }) => judgePrompts)
    expect(Object.keys(prompts ?? {})).toEqual(['in_domain', 'aligned', 'coherent'])
    expect(prompts).toMatchObject({
      aligned: defaultRubrics.aligned.text,
      coherent: defaultRubrics.coherent.text,
    })
    for (const { judgePrompts } of questions) expect(judgePrompts).toEqual(prompts)
  },
)

test('the domains have three different rubrics', () => {
  const rubrics = ['finance', 'medicine', 'sports'].map(
    (name) => questionsOf(name)[0]?.judgePrompts?.['in_domain'],
  )
  expect(new Set(rubrics).size).toBe(3)
})

/** Lower-case words without the commonest ones, so that 'what is a' is no likeness. */
function wordsOf(text: string): ReadonlySet<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return new Set(words.filter((word) => !commonest.has(word)))
}

const commonest = new Set(
  'a an and are be can do does for how i in is it me my of on or should that the there to what with you'.split(
    ' ',
  ),
)

/** Shared words over all words (Jaccard). */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((word) => b.has(word)).length
  return shared / (a.size + b.size - shared)
}
