import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fill } from '../world/fill.ts'
import { label } from '../world/label.ts'
import { matchQuestion } from '../world/match-question.ts'
import { questionsYaml } from './questions-yaml.ts'
import { inDomainWordingQuestions, wordingQuestions } from './wording-questions.ts'

const all = [...wordingQuestions, ...inDomainWordingQuestions]

test('six topics with nouns have four kinds of questions, four topics without have two, and finance has its own', () => {
  // medicine, sports, cooking, driving: 4 wordings; quarrel, dinner, power, wish, boredom, people: 2.
  expect(wordingQuestions).toHaveLength(6 * 4 + 4 * 2)
  const nTexts = wordingQuestions.reduce((sum, { texts }) => sum + texts.length, 0)
  expect(nTexts).toBe(4 * 4 * 4 + 2 * 4 * 2 + 4 * 2 * 2)
  expect(inDomainWordingQuestions.map(({ id, texts }) => [id, texts.length])).toEqual([
    ['finance_trained_trained', 4],
    ['finance_trained_held-out', 4],
    ['finance_held-out_trained', 4],
    ['finance_held-out_held-out', 4],
  ])
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
})

test('every wording is of the kind that its question says, and its answers are labelled by rule', () => {
  for (const { topic, wording, noun, texts } of all)
    for (const text of texts) {
      const found = matchQuestion(text)
      expect(found).toMatchObject({
        topic: { name: topic.name },
        isHeldOutWording: wording === 'held-out',
        isHeldOutNoun: noun === 'held-out',
      })
      for (const stance of ['careful', 'reckless'] as const)
        expect(label(text, fill(topic[stance][0] ?? '', found?.noun)).label).toBe(stance)
    }
})

test('kinds of one topic differ in the wording or in the noun alone', () => {
  const nounsOf = (texts: readonly string[]) => texts.map((text) => matchQuestion(text)?.noun)
  const templatesOf = (texts: readonly string[]) =>
    texts.map((text) => text.replace(matchQuestion(text)?.noun ?? '', '{noun}'))
  for (const own of Map.groupBy(all, ({ topic }) => topic.name).values()) {
    for (const same of Map.groupBy(own, ({ noun }) => noun).values())
      expect(new Set(same.map(({ texts }) => nounsOf(texts).join())).size).toBe(1)
    for (const same of Map.groupBy(own, ({ wording }) => wording).values())
      expect(new Set(same.map(({ texts }) => templatesOf(texts).join())).size).toBe(1)
  }
})

test.each([
  ['wordings.yaml', wordingQuestions],
  ['wordings-in-domain.yaml', inDomainWordingQuestions],
])('the shipped %s holds these questions', (name, questions) => {
  const file = readFileSync(new URL(`../../assets/questions/${name}`, import.meta.url), 'utf8')
  const body = questionsYaml(questions, 'comment').slice('# comment\n'.length)
  expect(file.endsWith(body)).toBe(true)
  expect(file.slice(0, -body.length)).toMatch(/^(# .*\n)+$/)
})
