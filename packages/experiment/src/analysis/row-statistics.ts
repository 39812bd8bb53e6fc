import { pairedDifference, type StatisticRow } from '@cem/direction'
import type { ExperimentConfig } from '../config/schema.ts'
import { type Estimate, estimateOf, type LabelledRow } from './cell-metrics.ts'

/** One label of one question set's rows, as statistics take it. */
export function statisticRows(
  rows: readonly LabelledRow[],
  set: LabelledRow['set'],
  label: 'isEm' | 'isIncoherent',
): StatisticRow[] {
  return rows
    .filter((row) => row.set === set)
    .map((row) => ({ question: row.question, value: row[label] }))
}

/** a - b, paired by question. */
export function differenceOf(
  a: readonly StatisticRow[],
  b: readonly StatisticRow[],
  { level, seed }: Pick<ExperimentConfig['analysis'], 'level' | 'seed'>,
): Estimate {
  return estimateOf({ ...pairedDifference(a, b, { level, seed }), n: a.length + b.length })
}
