import { CemError, randomSource } from '@cem/core'
import type { Sample } from './sample.ts'

export interface Fold {
  /** Questions held out in this fold, sorted. */
  readonly questions: readonly string[]
}

/**
 * Deals the questions into folds, in random order: all rows of a question are in one fold.
 *
 * @throws CemError `too-few-questions` where a fold would be empty
 */
export function dealQuestions(
  names: readonly string[],
  nFolds: number,
  seed: string | number,
): Fold[] {
  if (names.length < nFolds)
    throw new CemError({
      code: 'too-few-questions',
      message: `${names.length} questions cannot be dealt into ${nFolds} folds. Give nFolds of at most ${names.length} (at least 3), or more questions.`,
      data: { nQuestions: names.length, nFolds },
    })
  const shuffled = randomSource('question-folds', seed).shuffle(names.toSorted())
  return Array.from({ length: nFolds }, (_, fold) => ({
    questions: shuffled.filter((_name, index) => index % nFolds === fold).toSorted(),
  }))
}

/** The fold of every row, shape [nRows]. */
export function foldOfRows(sample: Sample, folds: readonly Fold[]): Int32Array {
  const foldOf = new Map(folds.flatMap((fold, index) => fold.questions.map((q) => [q, index])))
  return sample.questions.map((question) => foldOf.get(sample.questionNames[question] ?? '') ?? -1)
}

/**
 * Indices of the rows to train on with some folds held out.
 *
 * @throws CemError `fold-without-side` where one of the sides is missing from them
 */
export function trainingRows(
  { labels, nRows }: Sample,
  foldOf: Int32Array,
  heldOut: readonly number[],
): number[] {
  const indices: number[] = []
  let nWith = 0
  for (let row = 0; row < nRows; row++) {
    if (heldOut.includes(foldOf[row] as number)) continue
    indices.push(row)
    nWith += labels[row] as number
  }
  if (nWith > 0 && nWith < indices.length) return indices
  throw new CemError({
    code: 'fold-without-side',
    message: `With ${heldOut.length === 1 ? `fold ${heldOut[0]}` : `folds ${heldOut.join(' and ')}`} held out, ${indices.length} rows are left to train on, ${nWith} of them with: both sides are needed. Take other folds (another seed), or answers to more questions.`,
    data: { heldOut, nRows: indices.length, nWith },
  })
}
