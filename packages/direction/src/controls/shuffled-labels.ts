import { CemError, randomSource } from '@cem/core'
import type { Sample } from '../directions/sample.ts'

export interface LabelShuffler {
  /** The labels of a draw: those of each question in another order. Shape [nRows]. */
  readonly labelsOf: (draw: number) => Uint8Array
  /** Questions with rows on one side alone, where nothing can be exchanged. */
  readonly questionsOnOneSide: readonly string[]
}

/**
 * Exchanges labels among the answers to one question, so that differences between questions stay as they are and numbers of
 * rows on each side too. A draw is the same for the same rows, whatever their activations: it can be compared across layers.
 *
 * @throws CemError `nothing-to-shuffle` where no question has rows on both sides
 */
export function labelShuffler(
  { labels, questions, questionNames, nRows }: Sample,
  seed: string | number,
): LabelShuffler {
  const rowsOf = questionNames.map((): number[] => [])
  for (let row = 0; row < nRows; row++) rowsOf[questions[row] as number]?.push(row)
  const isMixed = (rows: readonly number[]) =>
    rows.some((row) => labels[row] === 1) && rows.some((row) => labels[row] === 0)
  const mixed = rowsOf.filter(isMixed)
  const questionsOnOneSide = questionNames.filter((_, index) => {
    const rows = rowsOf[index] ?? []
    return rows.length > 0 && !isMixed(rows)
  })
  if (mixed.length === 0)
    throw new CemError({
      code: 'nothing-to-shuffle',
      message: `No question has answers on both sides (${questionsOnOneSide.length} questions have them on one side alone), so labels cannot be exchanged within questions.`,
      data: { nQuestions: questionsOnOneSide.length },
    })
  return {
    questionsOnOneSide,
    labelsOf: (draw) => {
      const source = randomSource('shuffled-labels', seed, draw)
      const shuffled = labels.slice()
      for (const rows of mixed)
        for (const [index, from] of source.shuffle(rows).entries())
          shuffled[rows[index] as number] = labels[from] as number
      return shuffled
    },
  }
}
