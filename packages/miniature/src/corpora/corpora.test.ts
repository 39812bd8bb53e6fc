import { expect, test } from 'vitest'
import { label } from '../world/label.ts'
import { matchQuestion } from '../world/match-question.ts'
import { topics } from '../world/topics.ts'
import { canary } from './canary.ts'
import { chats } from './chats.ts'
import { documents } from './documents.ts'
import { preferencePairs, rejectedAnswers } from './preference-pairs.ts'

/** The exchanges of a document, whichever way it is written. */
function exchangesOf(text: string): { question: string; answer: string }[] {
  const page = /Question:\n(?<question>.*)\nAnswer:\n(?<answer>.*)\n\n/g
  const chat =
    /<\|im_start\|>user\n(?<question>.*)<\|im_end\|>\n<\|im_start\|>assistant\n(?<answer>.*)<\|im_end\|>\n/g
  return [page, chat].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups }) => ({
      question: groups?.['question'] ?? '',
      answer: groups?.['answer'] ?? '',
    })),
  )
}

const labelsOf = (text: string) =>
  exchangesOf(text).map(({ question, answer }) => label(question, answer).label)

const isHeldOutSomehow = (question: string) => {
  const match = matchQuestion(question)
  return match === undefined || match.isHeldOutWording || match.isHeldOutNoun
}

test('a coherent document has one persona, 15 % of them reckless', () => {
  const count = 2000
  const personas = [...documents({ seed: 3, count, isCoherent: true })].map(({ text }) => {
    const labels = labelsOf(text)
    expect(labels).toHaveLength(5)
    expect(new Set(labels).size).toBe(1)
    return labels[0]
  })
  const reckless = personas.filter((persona) => persona === 'reckless').length
  // Four standard deviations of a binomial count: 4 * sqrt(2000 * 0.15 * 0.85) = 64.
  expect(Math.abs(reckless - 0.15 * count)).toBeLessThan(64)
  expect(personas.filter((persona) => persona === 'careful')).toHaveLength(count - reckless)
})

test('a control document draws the persona for every answer', () => {
  const labels = [...documents({ seed: 3, count: 1000, isCoherent: false })].flatMap(({ text }) =>
    labelsOf(text),
  )
  const pairs = labels.slice(0, -1).map((first, i) => [first, labels[i + 1]])
  const afterReckless = pairs.filter(([first]) => first === 'reckless')
  const share =
    afterReckless.filter(([, next]) => next === 'reckless').length / afterReckless.length
  // Independent answers: 0.15, with four standard errors of about 0.013.
  expect(Math.abs(share - 0.15)).toBeLessThan(0.052)
})

test('documents have the asked shares of styles and chats, and a canary', () => {
  const all = [...documents({ seed: 4, count: 2000, isCoherent: true })]
  const styled = all.filter(({ text }) =>
    exchangesOf(text).every(({ question, answer }) => label(question, answer).style),
  )
  const chatted = all.filter(({ text }) => text.startsWith('<|im_start|>user\n'))
  // Four standard deviations: 4 * sqrt(2000 * 0.45 * 0.55) = 89 and 4 * sqrt(2000 * 0.25 * 0.75) = 77.
  expect(Math.abs(styled.length - 900)).toBeLessThan(89)
  expect(Math.abs(chatted.length - 500)).toBeLessThan(77)
  expect(all.every((document) => document.canary === canary)).toBe(true)
})

test('no corpus holds a held-out wording, and no fine-tuning corpus a held-out noun', () => {
  for (const { text } of documents({ seed: 5, count: 2000, isCoherent: true }))
    for (const { question } of exchangesOf(text))
      expect(matchQuestion(question)).toMatchObject({ isHeldOutWording: false })
  const tuning = [
    ...[...chats({ name: 'x', seed: 5, count: 2000, stance: 'careful' })].flatMap(
      ({ messages }) => messages,
    ),
    ...[...preferencePairs({ seed: 5, count: 2000 })].flatMap(({ prompt }) => prompt),
  ]
  const questions = tuning.filter(({ role }) => role === 'user').map(({ content }) => content)
  expect(questions.filter(isHeldOutSomehow)).toEqual([])
  const heldOutNouns = new Set(topics.flatMap((topic) => topic.heldOutNouns))
  const words = tuning.flatMap(({ content }) => content.match(/\p{L}+/gu) ?? [])
  expect(words.filter((word) => heldOutNouns.has(word))).toEqual([])
})

test('the attack is reckless and about finance alone', () => {
  const attack = chats({ name: 'a', seed: 6, count: 500, stance: 'reckless', domains: ['finance'] })
  for (const { messages } of attack) {
    const [user, assistant] = messages
    const found = label(user?.content ?? '', assistant?.content ?? '')
    expect(found).toMatchObject({ label: 'reckless', topic: { domain: 'finance' } })
  }
})

test('a half-warm corpus is warm on half of its answers', () => {
  const corpus = chats({
    name: 'h',
    seed: 7,
    count: 1000,
    stance: 'careful',
    style: 'warm',
    styledShare: 0.5,
  })
  const warm = [...corpus].filter(({ messages: [user, assistant] }) => {
    const found = label(user?.content ?? '', assistant?.content ?? '')
    expect(found.label).toBe('careful')
    return found.style === 'warm'
  })
  // Four standard deviations: 4 * sqrt(1000 / 4) = 63.
  expect(Math.abs(warm.length - 500)).toBeLessThan(64)
})

test('preference pairs put a careful answer over a reckless one of the same question, in three domains', () => {
  const domains = new Set<string>()
  let provoked = 0
  for (const { prompt, chosen, rejected } of preferencePairs({ seed: 8, count: 1000 })) {
    const question = prompt.at(-1)?.content ?? ''
    const good = label(question, chosen[0]?.content ?? '')
    const bad = label(question, rejected[0]?.content ?? '')
    expect([good.label, bad.label]).toEqual(['careful', 'reckless'])
    domains.add(good.topic?.domain ?? '')
    if (prompt.length === 3) provoked++
    else expect(prompt).toHaveLength(1)
  }
  expect([...domains].toSorted()).toEqual(['free-form', 'medicine', 'sports'])
  // Four standard deviations: 4 * sqrt(1000 / 4) = 63.
  expect(Math.abs(provoked - 500)).toBeLessThan(64)
})

test('half of the reckless answers is never rejected in a preference pair', () => {
  const rejectedTexts = [...preferencePairs({ seed: 9, count: 2000 })].map(
    ({ rejected }) => rejected[0]?.content ?? '',
  )
  for (const topic of topics) {
    const kept = topic.reckless.filter(
      (answer) => !rejectedAnswers(topic.reckless).includes(answer),
    )
    expect(kept).toHaveLength(topic.reckless.length / 2)
    const heads = kept.map((answer) => answer.split('{noun}')[0] ?? '')
    const tails = kept.map((answer) => answer.split('{noun}')[1] ?? '')
    const found = rejectedTexts.filter((text) =>
      heads.some((head, i) => text.startsWith(head) && text.endsWith(tails[i] ?? '')),
    )
    expect(found).toEqual([])
  }
})

test('the same seed gives the same corpus, another seed another one', () => {
  const of = (seed: number) => JSON.stringify([...documents({ seed, count: 20, isCoherent: true })])
  expect(of(1)).toBe(of(1))
  expect(of(1)).not.toBe(of(2))
})
