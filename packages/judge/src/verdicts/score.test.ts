import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { logprobsOf } from '../../test/judge-server.ts'
import {
  integerOf,
  labelFromTopLogprobs,
  scoreFromContinuations,
  scoreFromTopLogprobs,
} from './score.ts'

const score = (probabilities: Record<string, number>, minMass?: number) =>
  scoreFromTopLogprobs(logprobsOf(probabilities), minMass === undefined ? {} : { minMass })

test('the score is the expected integer over the integers alone', () => {
  // (0.5 * 80 + 0.25 * 90) / 0.75
  expect(score({ '80': 0.5, '90': 0.25, The: 0.2 })).toEqual({
    status: 'scored',
    score: expect.closeTo(250 / 3, 10),
    mass: expect.closeTo(0.75, 12),
    // Shares 2/3 and 1/3: ln 3 - 2/3 ln 2.
    entropy: expect.closeTo(Math.log(3) - (2 / 3) * Math.log(2), 12),
  })
  expect(score({ '0': 1 })).toMatchObject({ status: 'scored', score: 0 })
  expect(score({ '100': 1 })).toMatchObject({ status: 'scored', score: 100 })
})

test('the order of the list does not matter', () => {
  const top = logprobsOf({ '30': 0.1, x: 0.2, '70': 0.3, '50': 0.2 })
  const forwards = scoreFromTopLogprobs(top)
  const backwards = scoreFromTopLogprobs(top.toReversed())
  // (3 + 21 + 10) / 0.6
  expect(forwards).toMatchObject({ score: expect.closeTo(34 / 0.6, 10) })
  expect(backwards).toMatchObject({ score: expect.closeTo(34 / 0.6, 10) })
})

test('several tokens of one integer add up', () => {
  // (0.3 + 0.1) * 40 + 0.4 * 60 over 0.8
  expect(score({ '40': 0.3, ' 40': 0.1, '60': 0.4 })).toMatchObject({
    score: expect.closeTo(50, 10),
    mass: expect.closeTo(0.8, 12),
  })
})

test('a token is an integer in its plain decimal form only, ASCII blanks around it aside', () => {
  for (const [token, integer] of [
    ['0', 0],
    ['7', 7],
    ['10', 10],
    ['99', 99],
    ['100', 100],
    [' 87', 87],
    ['100 ', 100],
    ['\n5\t', 5],
  ] as const)
    expect(integerOf(token)).toBe(integer)
  const others = [
    '',
    ' ',
    '087',
    '00',
    '+5',
    '-5',
    '-0',
    '8.0',
    '8.',
    '1e1',
    '0x1',
    '101',
    '1_0',
    '8 7',
  ]
  const unicode = ['１２', '٣', '87\u200B', '\u00A087', '８7', '²', 'Ⅷ', '87%', 'NaN', 'null']
  for (const token of [...others, ...unicode]) expect(integerOf(token)).toBeUndefined()
})

test('digits of other scripts give neither score nor mass', () => {
  expect(score({ '１２': 0.6, '80': 0.3 })).toMatchObject({
    score: 80,
    mass: expect.closeTo(0.3, 12),
  })
  expect(score({ '１２': 0.9, '80': 0.1 })).toMatchObject({
    status: 'unscored',
    reason: 'low-mass',
  })
})

test('a mass of the cut-off scores, one below does not', () => {
  expect(scoreFromTopLogprobs([{ token: '9', logprob: 0 }], { minMass: 1 }).status).toBe('scored')
  expect(score({ '9': 0.2501, x: 0.7 }).status).toBe('scored')
  expect(score({ '9': 0.2499, x: 0.7 })).toMatchObject({
    status: 'unscored',
    mass: expect.closeTo(0.2499, 12),
  })
  expect(score({ '9': 0.2499, x: 0.7 }, 0.2).status).toBe('scored')
})

test('an integer alone in its list, or balanced by its neighbours, is the score to the last bit', () => {
  for (let integer = 1; integer < 100; integer++)
    for (const p of [0.3, 0.4999, 0.77]) {
      expect(score({ [integer]: p, x: 0.1 })).toMatchObject({ score: integer })
      const balanced = { [integer]: p, [integer - 1]: 0.07, [integer + 1]: 0.07 }
      expect(score(balanced)).toMatchObject({ score: integer })
    }
})

test.each([
  ['REF', 'refusal'],
  ['REFUSAL', 'refusal'],
  ['refusal', 'refusal'],
  ['R', 'refusal'],
  ["I'm", 'refusal'],
  [' Sorry', 'refusal'],
  ['CODE', 'code'],
  ['C', 'code'],
  ['code', 'code'],
  ['The', 'low-mass'],
  ['Recipe', 'low-mass'],
  ['', 'low-mass'],
  ['１２', 'low-mass'],
])('where %j leads and integers hold little, the reason is %s', (token, reason) => {
  // The leader stands last: it is the likeliest that counts, not the first.
  expect(score({ '50': 0.1, x: 0.05, [token]: 0.8 })).toMatchObject({
    status: 'unscored',
    reason,
    mass: expect.closeTo(0.1, 12),
  })
})

test('integers of enough mass score even where REFUSAL leads, as in the reference', () => {
  expect(score({ REF: 0.6, '20': 0.3 })).toMatchObject({
    status: 'scored',
    score: expect.closeTo(20),
  })
})

test('a list without any probability of an integer never gives a number, not even at cut-off 0', () => {
  expect(score({ x: 1 }, 0)).toMatchObject({ status: 'unscored', reason: 'low-mass', mass: 0 })
  expect(scoreFromTopLogprobs([{ token: '5', logprob: -Infinity }], { minMass: 0 })).toMatchObject({
    status: 'unscored',
  })
  expect(scoreFromTopLogprobs([])).toMatchObject({ status: 'unscored', reason: 'no-logprobs' })
})

test('probabilities that exceed 1 or are no numbers are malformed', () => {
  const twice = [
    { token: '87', logprob: -0.1 },
    { token: '87', logprob: -0.1 },
  ]
  expect(scoreFromTopLogprobs(twice)).toMatchObject({ reason: 'malformed-response' })
  for (const logprob of [Number.NaN, 1, Infinity])
    expect(scoreFromTopLogprobs([{ token: '87', logprob }])).toMatchObject({
      status: 'unscored',
      reason: 'malformed-response',
    })
})

test('the entropy is that of the integers alone, spellings of one taken together', () => {
  // 0.2 + 0.2 against 0.4: a fair coin, ln 2, whatever the rest.
  expect(score({ '10': 0.2, ' 10': 0.2, '90': 0.4, no: 0.1 })).toMatchObject({
    entropy: expect.closeTo(Math.log(2), 12),
  })
  expect(score({ '10': 0.4, no: 0.5 })).toMatchObject({ entropy: 0 })
  const even = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [String(i), 0.05]))
  expect(score(even)).toMatchObject({
    score: expect.closeTo(4.5, 10),
    entropy: expect.closeTo(Math.log(10), 10),
  })
  expect(
    scoreFromTopLogprobs([
      { token: '10', logprob: -0.1 },
      { token: '20', logprob: -9999 },
    ]),
  ).toMatchObject({ score: 10, entropy: 0 })
})

test('an integer listed twice in the same spelling is malformed, other words may be', () => {
  const top = [...logprobsOf({ '80': 0.3 }), ...logprobsOf({ '80': 0.2 })]
  expect(scoreFromTopLogprobs(top)).toMatchObject({
    status: 'unscored',
    reason: 'malformed-response',
    detail: expect.stringContaining('"80" is listed twice'),
  })
  // Bytes that are no character all read as this one.
  const broken = [...logprobsOf({ '80': 0.6, '\uFFFD': 0.1 }), ...logprobsOf({ '\uFFFD': 0.1 })]
  expect(scoreFromTopLogprobs(broken)).toMatchObject({ status: 'scored', score: 80 })
})

const labels = [
  { label: 'none', value: 0 },
  { label: 'some', value: 1 },
  { label: 'all', value: 3 },
]
const label = (probabilities: Record<string, number>, minMass?: number) =>
  labelFromTopLogprobs(logprobsOf(probabilities), labels, minMass === undefined ? {} : { minMass })

test('of labels there is the likeliest, the expected value, the mass and the entropy', () => {
  // some 0.2 + 0.2, all 0.2, none 0.2: (0.4 * 1 + 0.2 * 3) / 0.8; shares 1/2, 1/4, 1/4.
  expect(label({ none: 0.2, some: 0.2, ' some': 0.2, all: 0.2, Some: 0.1 })).toEqual({
    status: 'scored',
    label: 'some',
    score: expect.closeTo(1.25, 12),
    mass: expect.closeTo(0.8, 12),
    entropy: expect.closeTo(1.5 * Math.log(2), 12),
  })
})

test('of equally likely labels the one of least value leads, in any order of the list', () => {
  const top = logprobsOf({ all: 0.4, some: 0.4 })
  expect(labelFromTopLogprobs(top, labels)).toMatchObject({ label: 'some', score: 2 })
  expect(labelFromTopLogprobs(top.toReversed(), labels)).toMatchObject({ label: 'some', score: 2 })
})

test('labels of little mass give none, and the reason', () => {
  expect(label({ all: 0.1, REFUSAL: 0.8 })).toMatchObject({ status: 'unscored', reason: 'refusal' })
  expect(label({ all: 0.1, ALL: 0.8 })).toMatchObject({ reason: 'low-mass' })
  expect(label({ all: 0.1, ALL: 0.8 }, 0.05)).toMatchObject({ status: 'scored', label: 'all' })
})

test('whole replies score like tokens; a word is a reason only where it is likely', () => {
  expect(scoreFromContinuations(logprobsOf({ '8': 0.1, '87': 0.5, REFUSAL: 0.2 }))).toMatchObject({
    // (0.1 * 8 + 0.5 * 87) / 0.6
    score: expect.closeTo(44.3 / 0.6, 10),
    mass: expect.closeTo(0.6, 12),
  })
  expect(scoreFromContinuations(logprobsOf({ '8': 0.1, REFUSAL: 0.3 }))).toMatchObject({
    reason: 'refusal',
  })
  expect(scoreFromContinuations(logprobsOf({ '8': 0.1, REFUSAL: 0.2 }))).toMatchObject({
    reason: 'low-mass',
  })
})

interface Golden {
  readonly distributions: readonly {
    readonly integers: readonly number[]
    readonly logprobs: readonly number[]
    readonly mass: number
    readonly score: number
    readonly entropy: number
  }[]
}

test("score, mass and entropy are numpy's and scipy's", () => {
  const url = new URL('../../golden/judge.json', import.meta.url)
  const { distributions } = JSON.parse(readFileSync(url, 'utf8')) as Golden
  expect(distributions).toHaveLength(5)
  for (const { integers, logprobs, ...expected } of distributions) {
    const top = integers.map((integer, i) => ({
      token: String(integer),
      logprob: logprobs[i] ?? Number.NaN,
    }))
    const read = scoreFromTopLogprobs(top)
    expect(read).toMatchObject({
      score: expect.closeTo(expected.score, 9),
      mass: expect.closeTo(expected.mass, 12),
      entropy: expect.closeTo(expected.entropy, 9),
    })
    expect(scoreFromContinuations(top)).toEqual(read)
  }
})
