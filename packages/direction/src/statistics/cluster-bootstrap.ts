import { CemError, type RandomSource, randomSource } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkProbability, checkWhole } from '../options.ts'
import type { Interval } from './interval.ts'

export interface BootstrapOptions {
  /** Names the stream of random numbers; the result records it. */
  readonly seed: string | number
  /** @default 2000, at least 100 */
  readonly nResamples?: number
  /** Nominal coverage of the intervals. @default 0.95 */
  readonly level?: number
}

export interface ClusterBootstrapOptions<Cluster> extends BootstrapOptions {
  /** One item per question, with everything that belongs to it (all steps, all variants). */
  readonly clusters: readonly Cluster[]
  /** Numbers computed from a set of questions, always as many; NaN where one is undefined. Must not depend on order. */
  readonly statistic: (clusters: readonly Cluster[]) => readonly number[]
}

export interface BootstrapValue {
  readonly estimate: number | Absent
  readonly interval: Interval | Absent
}

export interface ClusterBootstrap {
  /** One for each number of the statistic, in its order. */
  readonly values: readonly BootstrapValue[]
  readonly nClusters: number
  readonly nResamples: number
  readonly seed: string | number
  /** Below 30 questions: that the intervals are approximate. */
  readonly warnings: readonly string[]
}

/** Below this, percentile intervals are too narrow: with 8 questions they missed the true rate 11-28 % of the time (README). */
const enoughClusters = 30

/**
 * Percentile bootstrap over questions, for curves: whole questions are drawn with replacement, so points of one curve and
 * curves of several variants move together. For single rates and differences use `rate` and `pairedDifference`, which hold
 * their level with few questions.
 *
 * A number that is undefined in any resample has no interval: leaving those resamples out would bias it.
 *
 * @throws CemError `bad-option`; `bad-statistic` where the statistic changes its length
 */
export function clusterBootstrap<Cluster>({
  clusters,
  statistic,
  seed,
  nResamples = 2000,
  level = 0.95,
}: ClusterBootstrapOptions<Cluster>): ClusterBootstrap {
  checkWhole('nResamples', nResamples, 100)
  checkProbability('level', level)
  const nClusters = clusters.length
  const observed = nClusters === 0 ? [] : statistic(clusters)
  const columns = observed.map(() => new Float64Array(nResamples))
  const source = randomSource('cluster-bootstrap', seed)
  if (nClusters >= 2)
    for (let resample = 0; resample < nResamples; resample++)
      fill(columns, resample, statistic(draw(clusters, source)))
  return {
    values: observed.map((estimate, index) => ({
      estimate: Number.isNaN(estimate) ? absent('undefined for these rows') : estimate,
      interval:
        nClusters < 2
          ? absent('one question: nothing shows how much questions differ')
          : percentileInterval(columns[index] ?? new Float64Array(), level),
    })),
    nClusters,
    nResamples,
    seed,
    warnings:
      nClusters < enoughClusters
        ? [`approximate: ${nClusters} questions, percentile intervals need about ${enoughClusters}`]
        : [],
  }
}

const draw = <Cluster>(clusters: readonly Cluster[], source: RandomSource): Cluster[] =>
  clusters.map(() => clusters[source.integer(clusters.length)] as Cluster)

function fill(columns: readonly Float64Array[], resample: number, values: readonly number[]): void {
  if (values.length !== columns.length)
    throw new CemError({
      code: 'bad-statistic',
      message: `The statistic gave ${values.length} numbers for a resample and ${columns.length} for the data; it must always give as many, NaN where one is undefined.`,
      data: { forResample: values.length, forData: columns.length },
    })
  for (const [index, column] of columns.entries()) column[resample] = values[index] as number
}

function percentileInterval(values: Float64Array, level: number): Interval | Absent {
  const nUndefined = values.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0)
  if (nUndefined > 0) return absent(`undefined in ${nUndefined} of ${values.length} resamples`)
  const sorted = values.toSorted()
  return {
    low: quantile(sorted, (1 - level) / 2),
    high: quantile(sorted, (1 + level) / 2),
    level,
    method: 'percentile bootstrap over questions',
  }
}

/** Linear interpolation between order statistics, as numpy's default (Hyndman and Fan's type 7). Input ascending. */
export function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below] as number
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return low + (position - below) * (high - low)
}
