import { CemError } from '@cem/core'
import {
  type BootstrapOptions,
  type BootstrapValue,
  type ClusterBootstrap,
  clusterBootstrap,
} from './cluster-bootstrap.ts'
import { addTo, checkRow, type StatisticRow, type Tally } from './rows.ts'

/** One scored answer of the checkpoint at a training step. */
export interface CurveRow extends StatisticRow {
  readonly step: number
}

export interface CurvePoint extends BootstrapValue {
  readonly step: number
  /** Scored rows. */
  readonly n: number
  readonly nUnscored: number
}

export interface BootstrapCurve extends Omit<ClusterBootstrap, 'values'> {
  /** By ascending step. */
  readonly points: readonly CurvePoint[]
}

/**
 * The mean value at every step (every scored row counts once, so the estimate is that of `rate`), with percentile intervals
 * from resampling questions: see `clusterBootstrap`.
 *
 * @throws CemError `bad-row`, `bad-option`
 */
export function bootstrapCurve(
  rows: readonly CurveRow[],
  options: BootstrapOptions,
): BootstrapCurve {
  const byQuestion = new Map<string, Map<number, Tally>>()
  const counts = new Map<number, { n: number; nUnscored: number }>()
  for (const [index, row] of rows.entries()) {
    checkRow(row, index)
    checkStep(row, index)
    const count = counts.get(row.step) ?? { n: 0, nUnscored: 0 }
    counts.set(row.step, count)
    const bySteps = byQuestion.get(row.question) ?? new Map<number, Tally>()
    byQuestion.set(row.question, bySteps)
    if (row.value === null) count.nUnscored++
    else {
      count.n++
      addTo(bySteps, row.step, row.value)
    }
  }
  const steps = [...counts.keys()].toSorted((a, b) => a - b)
  const { values, ...rest } = clusterBootstrap({
    ...options,
    clusters: [...byQuestion.values()],
    statistic: (clusters) => steps.map((step) => meanAt(clusters, step)),
  })
  return {
    ...rest,
    points: values.flatMap((value, index) => {
      const step = steps[index] as number
      const count = counts.get(step)
      return count === undefined ? [] : [{ step, ...count, ...value }]
    }),
  }
}

function meanAt(clusters: readonly ReadonlyMap<number, Tally>[], step: number): number {
  let sum = 0
  let n = 0
  for (const cluster of clusters) {
    const tally = cluster.get(step)
    if (tally === undefined) continue
    sum += tally.sum
    n += tally.n
  }
  return sum / n
}

/** @throws CemError `bad-row` */
export function checkStep({ step }: CurveRow, index: number): void {
  if (Number.isFinite(step) && step >= 0) return
  throw new CemError({
    code: 'bad-row',
    message: `Row ${index} has step ${step}; it must be a finite number of at least 0.`,
    data: { index, field: 'step', value: step },
  })
}
