import { randomSource } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkProbability } from '../options.ts'
import { studentQuantile } from './distributions.ts'
import type { Interval } from './interval.ts'

export interface ClusterJackknifeOptions<Cluster> {
  /** One item per question, with everything that belongs to it. */
  readonly clusters: readonly Cluster[]
  /** A number computed from a set of questions; NaN where it is undefined. */
  readonly statistic: (clusters: readonly Cluster[]) => number
  /** Nominal coverage. @default 0.95 */
  readonly level?: number
  /** Scale on which the interval is symmetric. `fisher`: atanh, for a correlation. @default 'plain' */
  readonly scale?: 'plain' | 'fisher'
}

export interface ClusterJackknife {
  readonly estimate: number | Absent
  /** On the plain scale. */
  readonly standardError: number | Absent
  readonly interval: Interval | Absent
  readonly nClusters: number
  /** Groups that were left out in turn: the clusters, or 200 groups of them. */
  readonly nGroups: number
}

/** More clusters than this are left out in groups: the work grows with groups x rows, and 199 degrees of freedom are plenty. */
const mostGroups = 200

/**
 * An interval for any statistic of questions: each question is left out in turn. With G groups, estimates theta_g without group g
 * and their mean m: variance = (G - 1) / G sum (theta_g - m)^2, interval by t(G - 1) (Efron and Stein, Annals of Statistics 9,
 * 1981). Above 200 clusters they are left out in 200 random groups (Kott, Journal of Official Statistics 17, 2001), always the same for as
 * many clusters.
 *
 * A statistic that is undefined without one of the questions has no interval: leaving that case out would hide how much hangs
 * on one question.
 *
 * @throws CemError `bad-option`
 */
export function clusterJackknife<Cluster>({
  clusters,
  statistic,
  level = 0.95,
  scale = 'plain',
}: ClusterJackknifeOptions<Cluster>): ClusterJackknife {
  checkProbability('level', level)
  const nClusters = clusters.length
  const nGroups = Math.min(nClusters, mostGroups)
  const counts = { nClusters, nGroups }
  const whole = nClusters === 0 ? Number.NaN : statistic(clusters)
  if (!Number.isFinite(whole)) {
    const none = absent(nClusters === 0 ? 'no rows' : 'undefined for these rows')
    return { ...counts, estimate: none, standardError: none, interval: none }
  }
  const without = (reason: string): ClusterJackknife => ({
    ...counts,
    estimate: whole,
    standardError: absent(reason),
    interval: absent(reason),
  })
  if (nClusters < 2) return without('one question: nothing shows how much questions differ')
  const places = placesOf(nClusters)
  const partial = Array.from({ length: nGroups }, (_, group) =>
    statistic(clusters.filter((_cluster, index) => (places[index] as number) % nGroups !== group)),
  )
  const nUndefined = partial.filter((value) => !Number.isFinite(value)).length
  if (nUndefined > 0)
    return without(`undefined without ${nUndefined} of the ${nGroups} groups of questions`)
  const standardError = jackknifeError(partial)
  if (standardError <= 1e-12 * Math.abs(whole))
    return without('the same without any question: no variance to estimate')
  const critical = studentQuantile((1 + level) / 2, nGroups - 1)
  const method = `jackknife over questions, t(${nGroups - 1})`
  if (scale === 'plain')
    return {
      ...counts,
      estimate: whole,
      standardError,
      interval: {
        low: whole - critical * standardError,
        high: whole + critical * standardError,
        level,
        method,
      },
    }
  if ([whole, ...partial].some((value) => Math.abs(value) >= 1))
    return without('a correlation of 1 or -1: no interval on the Fisher scale')
  const half = critical * jackknifeError(partial.map(Math.atanh))
  return {
    ...counts,
    estimate: whole,
    standardError,
    interval: {
      low: Math.tanh(Math.atanh(whole) - half),
      high: Math.tanh(Math.atanh(whole) + half),
      level,
      method: `${method}, Fisher scale`,
    },
  }
}

/** Which place each cluster takes in the row from which the groups are dealt. */
function placesOf(nClusters: number): readonly number[] {
  const places = Array.from({ length: nClusters }, (_, index) => index)
  // Shuffled, since rows often come in an order that groups in turn would follow.
  return nClusters <= mostGroups ? places : randomSource('cluster-jackknife').shuffle(places)
}

function jackknifeError(partial: readonly number[]): number {
  const n = partial.length
  const mean = partial.reduce((sum, value) => sum + value, 0) / n
  const squares = partial.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(((n - 1) / n) * squares)
}
