import { expect, test } from 'vitest'
import { fixedQuestionsInterval } from './fixed-questions-interval.ts'

const rows = (question: string, values: readonly (number | null)[]) =>
  values.map((value) => ({ question, value }))

test('the mean difference over shared questions, with the variance of their answers', () => {
  const a = [...rows('x', [1, 1, 0, 0]), ...rows('y', [1, 0, 0, 0, null])]
  const b = [...rows('x', [1, 1, 1, 1]), ...rows('y', [1, 1, 0, 0]), ...rows('z', [0])]
  // x: 0.5 - 1, y: 0.25 - 0.5; smoothed p: 3/6, 5/6, 2/6, 3/6 over n = 4.
  const variance = (0.25 + 5 / 36 + 8 / 36 + 0.25) / 4
  const half = (1.96 * Math.sqrt(variance)) / 2
  expect(fixedQuestionsInterval(a, b)).toEqual({
    estimate: -0.375,
    low: expect.closeTo(-0.375 - half, 12),
    high: expect.closeTo(-0.375 + half, 12),
  })
})

test('no shared question with scores: no interval', () => {
  expect(fixedQuestionsInterval([], [])).toBeUndefined()
  expect(fixedQuestionsInterval(rows('x', [1]), rows('x', [null]))).toBeUndefined()
})
