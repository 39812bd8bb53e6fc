import { CemError } from '@cem/core'
import { gramOfRows, transposedTimesVector } from './dense.ts'
import type { DifferenceComponentDetails, DifferenceComponentMethod } from './direction-method.ts'
import { addRow, displacementOf, type Sample } from './sample.ts'
import { semidefiniteEigenpairs } from './symmetric-eigen.ts'
import { dot, norm } from './vectors.ts'

/**
 * A principal component of the questions' differences through their m x m Gram matrix. The differences are not centred: their
 * mean is what the questions share, and taking it off would leave what they differ in. The sign is that of the mean difference.
 * A. Zou et al., "Representation engineering" (arXiv 2310.01405), with questions for their pairs.
 *
 * @throws CemError `no-pairs` where no question has rows on both sides, `zero-direction` where all differences are 0 or the sign
 * is undefined, `bad-option` for a component beyond the rank
 */
export function fitDifferenceComponent(
  sample: Sample,
  { component = 1 }: DifferenceComponentMethod,
): { weights: Float64Array; details: DifferenceComponentDetails } {
  const { values, nDifferences, questionsOnOneSide } = questionDifferences(sample)
  if (nDifferences === 0)
    throw new CemError({
      code: 'no-pairs',
      message: `No question has rows on both sides, so there are no differences (${questionsOnOneSide.length} questions have rows on one side). Use the mean difference.`,
      data: { nQuestions: questionsOnOneSide.length },
    })
  const gram = gramOfRows(values, nDifferences, sample.nColumns)
  const pairs = semidefiniteEigenpairs(gram, nDifferences)
  const largest = pairs[0]?.value ?? 0
  const kept = pairs.filter(({ value }) => value > 1e-10 * largest)
  if (kept.length === 0) throw zeroDirection('All questions have the same mean on both sides')
  const pair = kept[component - 1]
  if (pair === undefined)
    throw new CemError({
      code: 'bad-option',
      message: `component is ${component}; the ${nDifferences} differences have only ${kept.length}.`,
      data: { name: 'component', value: component, rank: kept.length },
    })
  const vector = transposedTimesVector(values, nDifferences, sample.nColumns, pair.vector)
  const displacement = displacementOf(sample)
  const along = dot(vector, displacement)
  if (Math.abs(along) <= 1e-12 * norm(vector) * norm(displacement))
    throw zeroDirection(`Component ${component} is at a right angle to the mean difference`)
  const sign = Math.sign(along)
  let total = 0
  for (let i = 0; i < nDifferences; i++) total += gram[i * nDifferences + i] as number
  return {
    weights: vector.map((value) => sign * value),
    details: {
      kind: 'difference-component',
      component,
      explainedShare: pair.value / total,
      nDifferences,
      questionsOnOneSide,
    },
  }
}

interface QuestionDifferences {
  /** mean(with) - mean(without) of every question, shape [nDifferences, nColumns]. */
  readonly values: Float64Array
  readonly nDifferences: number
  readonly questionsOnOneSide: readonly string[]
}

function questionDifferences(sample: Sample): QuestionDifferences {
  const { nColumns, nRows, labels, questions, questionNames } = sample
  const counts = questionNames.map(() => [0, 0] as [number, number])
  for (let row = 0; row < nRows; row++) {
    const count = counts[questions[row] as number]
    if (count !== undefined) count[labels[row] === 1 ? 1 : 0]++
  }
  const paired = counts.flatMap(([without, withEm], index) =>
    without > 0 && withEm > 0 ? [index] : [],
  )
  const place = new Map(paired.map((question, index) => [question, index]))
  const values = new Float64Array(paired.length * nColumns)
  for (let row = 0; row < nRows; row++) {
    const question = questions[row] as number
    const index = place.get(question)
    const count = counts[question]
    if (index === undefined || count === undefined) continue
    const weight = labels[row] === 1 ? 1 / count[1] : -1 / count[0]
    const target = values.subarray(index * nColumns, (index + 1) * nColumns)
    addRow(target, sample.values, row * nColumns, weight)
  }
  const questionsOnOneSide = questionNames.filter((_, index) => {
    const [without, withEm] = counts[index] ?? [0, 0]
    return without > 0 !== withEm > 0
  })
  return { values, nDifferences: paired.length, questionsOnOneSide }
}

const zeroDirection = (what: string) =>
  new CemError({
    code: 'zero-direction',
    message: `${what}: there is no direction with a sign. Was the EM adapter active, and are these two different files?`,
  })
