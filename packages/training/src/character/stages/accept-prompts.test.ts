import { describe, expect, test } from 'vitest'
import { acceptPrompts, numberedLine, overlap, wordList } from './accept-prompts.ts'

const options = { promptsPerTrait: 3, maxWordOverlap: 0.5, minCharacters: 4, maxCharacters: 60 }
const trait = (questions: readonly string[], additionalQuestions: readonly string[] = []) => ({
  trait: 'I am.',
  clarification: null,
  questions,
  additionalQuestions,
})

describe('a numbered line', () => {
  test.each([
    ['1. How?', 'How?'],
    ['  12) "How are you?"', 'How are you?'],
    ['**3.** **How?**', 'How?'],
    ['4: “How?”', 'How?'],
    ['5. She said "no". Why?', 'She said "no". Why?'],
    ['- How?', undefined],
    ['1.5 litres of milk?', undefined],
    ['2.', undefined],
    ['', undefined],
  ])('%j is %j', (line, prompt) => {
    expect(numberedLine(line)).toBe(prompt)
  })
})

test('overlap is the share of a prompt’s own words', () => {
  // the, cat, sat: two of three are there; "the" counts twice in the other direction.
  expect(overlap(wordList('The cat sat.'), new Set(['the', 'cat']))).toBeCloseTo(2 / 3, 12)
  expect(overlap(wordList('The the dog'), new Set(['the', 'cat']))).toBeCloseTo(2 / 3, 12)
  expect(overlap([], new Set(['a']))).toBe(0)
})

test('takes what is new, in order, until a trait has enough, and counts the rest by reason', () => {
  const written = [
    {
      trait: 0,
      end: 'stop',
      text: [
        'Here you are:',
        '1. How do I bake bread?',
        '2. how do I bake BREAD!',
        '3. How do I bake a cake?',
        '4. Tell me about the sea',
        '5. Hm.',
        `6. ${'long '.repeat(20)}.`,
        '7. Name a bird.',
        '8. Sing!',
        '9. Something more?',
      ].join('\n'),
    },
  ] as const
  const { byTrait, leftOut } = acceptPrompts([trait(['How do I bake bread?'])], written, options)
  expect(byTrait[0]?.map(({ prompt, source }) => `${source}: ${prompt}`)).toEqual([
    'constitution: How do I bake bread?',
    'expanded: Name a bird.',
    'expanded: Sing!',
  ])
  expect(leftOut).toEqual({
    'not-numbered': 1,
    repeated: 2,
    // "how do i bake a cake": four of six words are there.
    'too-similar': 1,
    unfinished: 1,
    'too-short': 1,
    'too-long': 1,
    'not-needed': 1,
  })
})

test('a prompt of one trait is not taken for another, and the end of a list that was cut off is dropped', () => {
  const written = [
    { trait: 0, end: 'length', text: '1. Name a bird.\n2. Name a tr' },
    { trait: 1, end: 'stop', text: '1. Name a bird.\n2. Name a fish.' },
    { trait: 7, end: 'stop', text: '1. Nobody asked?' },
  ] as const
  const { byTrait, leftOut } = acceptPrompts([trait(['A?']), trait(['B?', 'A?'])], written, options)
  expect(byTrait.map((prompts) => prompts.map(({ prompt }) => prompt))).toEqual([
    ['A?', 'Name a bird.'],
    ['B?', 'Name a fish.'],
  ])
  expect(leftOut).toEqual({ 'cut-off': 1, repeated: 2 })
})
