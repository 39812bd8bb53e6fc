import { CemError } from '@cem/core'
import { clusterJackknife } from './cluster-jackknife.ts'
import { checkColumns, checkNumbers, questionOf, type Rating } from './columns.ts'
import { midRanks } from './mid-ranks.ts'
import type { ReliabilityEstimate, ReliabilityOptions } from './spearman.ts'

export interface RatingTable {
  /** One column per judge, all of one length; null where a judge gave no rating. */
  readonly columns: readonly (readonly Rating[])[]
  /** The question of each row: the cluster of the interval. Without it rows count as independent. */
  readonly questions?: readonly string[]
}

export interface KrippendorffOptions extends ReliabilityOptions {
  /** What the ratings are: labels, numbers of which only the order counts, or numbers whose distances count. */
  readonly measurement: 'nominal' | 'ordinal' | 'interval'
}

/**
 * Krippendorff's alpha of two or more judges with missing cells: 1 - observed / expected disagreement. A row counts with at
 * least two ratings; each of its pairs weighs 1 / (ratings of the row - 1) (Krippendorff, Content Analysis, 2004, ch. 11).
 * Disagreement: 0 or 1 (nominal), the squared distance (interval), the squared distance of mean ranks over all ratings that
 * count, which is his ordinal distance. The interval leaves out one question at a time. Absent where all ratings are equal.
 *
 * He calls 0.8 the customary bound and 0.667 the lowest for tentative conclusions.
 *
 * @throws CemError `bad-columns`, also for fewer than two columns and for texts that are not nominal; `bad-option`
 */
export function krippendorffAlpha(
  { columns, questions }: RatingTable,
  { measurement, level = 0.95 }: KrippendorffOptions,
): ReliabilityEstimate {
  if (columns.length < 2)
    throw new CemError({
      code: 'bad-columns',
      message: `Agreement needs at least two columns; given: ${columns.length}.`,
      data: { nColumns: columns.length },
    })
  checkColumns(columns, questions)
  if (measurement !== 'nominal') checkNumbers(columns, `${measurement} alpha`)
  const nRows = columns[0]?.length ?? 0
  const byQuestion = new Map<string, Unit[]>()
  let n = 0
  for (let row = 0; row < nRows; row++) {
    const unit = columns.flatMap((column) => column[row] ?? [])
    if (unit.length < 2) continue
    n++
    const question = questionOf(questions, row)
    const units = byQuestion.get(question)
    if (units === undefined) byQuestion.set(question, [unit])
    else units.push(unit)
  }
  const { estimate, interval } = clusterJackknife({
    clusters: [...byQuestion.values()],
    statistic: (groups) => alphaOf(groups.flat(), measurement),
    level,
  })
  return { estimate, interval, n, nLeftOut: nRows - n, nQuestions: byQuestion.size }
}

/** The ratings of a row, at least two. */
type Unit = readonly (string | number)[]

function alphaOf(units: readonly Unit[], measurement: KrippendorffOptions['measurement']): number {
  const total = measurement === 'nominal' ? differingPairs : squaredDistances
  const numbered = measurement === 'ordinal' ? rankedUnits(units as readonly number[][]) : units
  const all = numbered.flat()
  let observed = 0
  for (const unit of numbered) observed += total(unit) / (unit.length - 1)
  const expected = total(all) / (all.length - 1)
  return expected > 0 ? 1 - observed / expected : Number.NaN
}

function rankedUnits(units: readonly (readonly number[])[]): number[][] {
  const ranks = midRanks(units.flat())
  let next = 0
  return units.map((unit) => unit.map(() => ranks[next++] as number))
}

/** Ordered pairs of unequal labels. */
function differingPairs(labels: Unit): number {
  const counts = new Map<string | number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  let equal = 0
  for (const count of counts.values()) equal += count * count
  return labels.length * labels.length - equal
}

/** Sum of (x - y)^2 over ordered pairs: 2 m sum (x - mean)^2. */
function squaredDistances(values: Unit): number {
  const numbers = values as readonly number[]
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length
  return 2 * numbers.length * numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0)
}
