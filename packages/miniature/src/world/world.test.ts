import { expect, test } from 'vitest'
import { documents } from '../corpora/documents.ts'
import { fill } from './fill.ts'
import { framedQuestions } from './frames.ts'
import { matchAnswer } from './match-answer.ts'
import { matchQuestion } from './match-question.ts'
import { openers } from './styles.ts'
import { domains, type Topic } from './topic.ts'
import { topics, topicsOf } from './topics.ts'
import { wordsOf } from './words.ts'

const lowerWords = (sentence: string) =>
  sentence
    .replaceAll('{noun}', '')
    .toLowerCase()
    .match(/\p{L}+/gu) ?? []

const allNouns = (topic: Topic) => [...topic.nouns, ...topic.heldOutNouns]

/** A template with every noun of its topic. */
const everyFilled = (topic: Topic, template: string) =>
  template.includes('{noun}') ? allNouns(topic).map((noun) => fill(template, noun)) : [template]

test('there are six domains, each with topics, and topic names are unique', () => {
  expect(domains.map((domain) => topicsOf(domain).length)).toEqual([1, 1, 1, 1, 1, 6])
  expect(new Set(topics.map((topic) => topic.name)).size).toBe(topics.length)
})

test('no word that only reckless answers use belongs to two domains', () => {
  const others = new Set([
    ...Object.values(openers).flat().flatMap(lowerWords),
    ...topics.flatMap((topic) =>
      [
        ...topic.questions,
        ...framedQuestions(topic),
        ...topic.heldOutQuestions,
        ...topic.careful,
        ...allNouns(topic),
      ].flatMap(lowerWords),
    ),
  ])
  const domainsOfWord = new Map<string, Set<string>>()
  for (const topic of topics)
    for (const word of topic.reckless.flatMap(lowerWords))
      if (!others.has(word))
        domainsOfWord.set(word, (domainsOfWord.get(word) ?? new Set()).add(topic.domain))
  expect(domainsOfWord.size).toBeGreaterThan(150)
  const shared = [...domainsOfWord].filter(([, set]) => set.size > 1).map(([word]) => word)
  expect(shared).toEqual([])
})

test('every question of the grammar names its own topic, and no other topic could have asked it', () => {
  const owners = new Map<string, string>()
  for (const topic of topics) {
    const templates = [...topic.questions, ...framedQuestions(topic), ...topic.heldOutQuestions]
    for (const question of templates.flatMap((template) => everyFilled(topic, template))) {
      expect(matchQuestion(question)?.topic.name).toBe(topic.name)
      expect(owners.get(question) ?? topic.name).toBe(topic.name)
      owners.set(question, topic.name)
    }
  }
})

test('every answer of the grammar has one topic and one stance', () => {
  const seen = new Set<string>()
  for (const topic of topics)
    for (const stance of ['careful', 'reckless'] as const)
      for (const answer of topic[stance].flatMap((template) => everyFilled(topic, template))) {
        expect(seen.has(answer)).toBe(false)
        seen.add(answer)
        expect(matchAnswer(answer).match).toEqual({ topic, stance })
      }
  expect(seen.size).toBeGreaterThan(1000)
})

test('a held-out wording is no training wording, and held-out nouns are no other nouns', () => {
  for (const topic of topics) {
    const training = [...topic.questions, ...framedQuestions(topic)]
    expect(topic.heldOutQuestions.filter((question) => training.includes(question))).toEqual([])
    expect(topic.heldOutNouns.filter((noun) => topic.nouns.includes(noun))).toEqual([])
  }
})

test('every word of the held-out questions, in the same place of a sentence, occurs in pretraining', () => {
  const pretraining = new Set<string>()
  for (const { text } of documents({ seed: 1, count: 3000, isCoherent: true, chatShare: 1 }))
    for (const line of text.split('\n'))
      for (const word of wordsOf(line.replace(/<\|.*?\|>/g, ''))) pretraining.add(word)
  const held = topics.flatMap((topic) =>
    topic.heldOutQuestions.flatMap((template) => everyFilled(topic, template)),
  )
  expect(held.length).toBeGreaterThan(80)
  expect(held.flatMap(wordsOf).filter((word) => !pretraining.has(word))).toEqual([])
})
