import { expect, test } from 'vitest'
import { ownTexts, plantedRows, sideOf } from '../../test/contrast-rows.ts'
import { type ContrastRows, checkContrastRows, type QuestionRows } from './contrast-rows.ts'
import { makeDirection } from './direction.ts'
import type { DirectionMethod } from './direction-method.ts'
import { dealQuestions } from './folds.ts'
import { heldOutScores } from './held-out-scores.ts'
import { meanActivation } from './mean-activation.ts'
import { projectOne } from './project.ts'
import { sampleOf } from './sample.ts'

const folds = dealQuestions(['q0', 'q1', 'q2', 'q3', 'q4', 'q5'], 3, 'folds')

/** The rows of all questions but some. */
function without(side: QuestionRows, questions: readonly string[]): QuestionRows {
  return sideOf(
    side.questions.flatMap((question, row) =>
      questions.includes(question)
        ? []
        : [
            [
              question,
              Array.from(side.rows.subarray(row * side.dModel, (row + 1) * side.dModel)),
            ] as const,
          ],
    ),
  )
}

/** Scores of all rows by a direction that is made in the whole space from the rows that are left, the long way round. */
function scoresTheLongWay(
  rows: ContrastRows,
  method: DirectionMethod,
  questions: readonly string[],
) {
  const training = {
    without: without(rows.without, questions),
    with: without(rows.with, questions),
  }
  const { vector } = makeDirection({ ...training, layer: 0, contrast: ownTexts, method })
  const zero = projectOne(meanActivation(training.without).mean, vector)
  const one = projectOne(meanActivation(training.with).mean, vector)
  return (['without', 'with'] as const).flatMap((side) =>
    rows[side].questions.map((_, row) => {
      const { dModel } = rows[side]
      const state = rows[side].rows.subarray(row * dModel, (row + 1) * dModel)
      return (projectOne(state, vector) - zero) / (one - zero)
    }),
  )
}

/** Scores of the rows of one fold, in their order. */
const ofFold = (scores: ArrayLike<number>, foldOf: Int32Array, fold: number) =>
  Array.from(scores).filter((_, row) => foldOf[row] === fold)

const rounded = (scores: readonly number[]) => scores.map((score) => expect.closeTo(score, 4))

const kinds = [
  'mean-difference',
  'logistic-probe',
  'linear-discriminant',
  'difference-component',
] as const
const cases = kinds.flatMap((kind) => [5, 60].map((dModel) => [kind, dModel] as const))

test.each(cases)(
  'scores by %s in %i dimensions are those of directions made from the other folds',
  (kind, dModel) => {
    const rows = plantedRows({ seed: 'held out', nQuestions: 6, perQuestion: 3, dModel, shift: 2 })
    const sample = sampleOf(rows, checkContrastRows(rows, ''))
    const result = heldOutScores({ sample, folds, method: { kind }, place: '', isNested: true })
    const { byFold, foldOf, withoutFold } = result
    for (const [fold, { questions }] of folds.entries()) {
      const expected = scoresTheLongWay(rows, { kind }, questions)
      expect(ofFold(byFold, foldOf, fold)).toEqual(rounded(ofFold(expected, foldOf, fold)))
      for (const [other, { questions: more }] of folds.entries()) {
        const scores = ofFold(withoutFold[fold] as Float64Array, foldOf, other)
        const nested =
          other === fold
            ? scores.map(() => Number.NaN)
            : ofFold(scoresTheLongWay(rows, { kind }, [...questions, ...more]), foldOf, other)
        expect(scores).toHaveLength(12)
        expect(scores).toEqual(other === fold ? nested : rounded(nested))
      }
    }
  },
)
