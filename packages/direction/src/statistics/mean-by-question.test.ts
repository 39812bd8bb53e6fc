import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { meanByQuestion } from './mean-by-question.ts'

test('the interval over questions agrees with scipy', () => {
  const { values, interval } = golden.meanByQuestion
  const rows = values.map((value, i) => ({ question: `q${i}`, value }))
  expect(meanByQuestion(rows, { level: 0.9 })).toMatchObject({
    n: 9,
    nQuestions: 9,
    interval: {
      low: expect.closeTo(interval[0], 9),
      high: expect.closeTo(interval[1], 9),
      method: 't(8) over questions',
    },
  })
})

test('every question counts once, whatever its number of rows', () => {
  const rows = [
    { question: 'a', value: 10 },
    { question: 'b', value: 20 },
    { question: 'b', value: 40 },
    { question: 'b', value: 30 },
  ]
  // Means 10 and 30; sd = 20 / sqrt 2; half width = t(0.975, 1) * sd / sqrt 2 = 12.706205 * 10.
  expect(meanByQuestion(rows)).toMatchObject({
    estimate: 20,
    sdBetweenQuestions: expect.closeTo(14.142136, 6),
    interval: { low: expect.closeTo(-107.06205, 4), high: expect.closeTo(147.06205, 4) },
    scope: 'these checkpoints only',
  })
})

test('too few questions and no spread are labelled absences', () => {
  expect(meanByQuestion([{ question: 'a', value: 3 }])).toMatchObject({
    estimate: 3,
    interval: { absent: expect.stringContaining('one question') },
  })
  expect(meanByQuestion([])).toMatchObject({ estimate: { absent: 'no scored rows' } })
  expect(meanByQuestion([{ question: 'a', value: null }])).toMatchObject({
    nUnscored: 1,
    questionsWithoutScores: ['a'],
    estimate: { absent: 'no scored rows' },
  })
  const flat = ['a', 'b', 'c'].map((question) => ({ question, value: 0.1 }))
  expect(meanByQuestion(flat)).toMatchObject({
    sdBetweenQuestions: 0,
    interval: { absent: expect.stringContaining('same value') },
  })
})
