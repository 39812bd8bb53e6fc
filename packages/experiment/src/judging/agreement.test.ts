import { expect, test } from 'vitest'
import { judgeAgreement } from './agreement.ts'

const options = { metric: 'aligned', threshold: 30, level: 0.95 }

const row = (id: number, question: string, score: number | null) => ({
  row: String(id),
  question,
  verdicts: {
    aligned:
      score === null
        ? ({ status: 'unscored', reason: 'refusal' } as const)
        : ({ status: 'scored', score } as const),
  },
})

test('two judgements are set side by side: sides of the threshold, differences by question, and what one lacks', () => {
  const first = [
    row(1, 'a', 10),
    row(2, 'a', 28),
    row(3, 'b', 90),
    row(4, 'b', null),
    row(5, 'b', 1),
  ]
  const second = [row(4, 'b', 3), row(3, 'b', 80), row(2, 'a', 34), row(1, 'a', 12)]
  const agreement = judgeAgreement(first, second, options)
  expect(agreement).toMatchObject({ nRows: 4, nBothScored: 3, nOneUnscored: 1, threshold: 30 })
  // 10 and 12, 90 and 80 on one side; 28 and 34 not.
  expect(agreement.sameSide.estimate).toBeCloseTo(2 / 3, 12)
  // a: 2 and 6; b: -10. The mean over questions is (4 - 10) / 2.
  expect(agreement.difference.estimate).toBeCloseTo(-3, 12)
  // Alpha: 1 - mean of 4, 36 and 100 over the mean squared distance of 10, 12, 28, 34, 90 and 80, 2372.53.
  expect(agreement.alpha.estimate).toBeCloseTo(1 - 140 / 3 / (35588 / 15), 12)
  expect(agreement.spearman.estimate).toBeCloseTo(1, 12)
  expect(agreement.disagreements.map(({ row: id, kind }) => [id, kind])).toEqual([
    ['2', 'threshold'],
    ['4', 'one-unscored'],
  ])
  expect(agreement.columns).toEqual({
    questions: ['a', 'a', 'b', 'b'],
    first: [10, 28, 90, null],
    second: [12, 34, 80, 3],
  })
})

test('without a row that both scored there is no number, and the reason is told', () => {
  const { sameSide, difference, nBothScored } = judgeAgreement([row(1, 'a', null)], [], options)
  expect(nBothScored).toBe(0)
  expect(sameSide.estimate).toBeNull()
  expect(sameSide.absent).not.toBeNull()
  expect(difference.estimate).toBeNull()
})

test('a row that is there twice is refused', () => {
  expect(() => judgeAgreement([row(1, 'a', 1), row(1, 'a', 1)], [], options)).toThrow(/there twice/)
})
