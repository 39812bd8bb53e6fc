import { type Absent, absent, isAbsent } from '../absent.ts'
import { type BootstrapOptions, clusterBootstrap } from '../statistics/cluster-bootstrap.ts'
import type { Interval } from '../statistics/interval.ts'
import { type Auroc, auroc } from './auroc.ts'

/** A row's score by the activations and, where there is one, by the baseline. */
export interface ScoredRow {
  readonly question: string
  readonly isWith: boolean
  readonly score: number
  /** NaN without a baseline. */
  readonly baselineScore: number
}

export interface AurocByQuestion extends Auroc {
  /** Percentile bootstrap over questions: rows of one question are not independent. */
  readonly intervalByQuestion: Interval | Absent
}

/** How well a direction tells the sides apart, always beside what a bag of embeddings does on the same rows. */
export interface Separation {
  readonly auroc: AurocByQuestion
  /** The same rows by their bag of embeddings; an absence where the caller said that there is none. */
  readonly baseline: AurocByQuestion | Absent
  /** auroc - baseline, paired by question. */
  readonly difference: {
    readonly estimate: number | Absent
    readonly interval: Interval | Absent
  }
  readonly nQuestions: number
  readonly seed: string | number
  readonly warnings: readonly string[]
}

/** AUROC of scores and of the baseline's scores, with DeLong's and the question bootstrap's intervals. */
export function separationOf(
  rows: readonly ScoredRow[],
  baseline: Absent | undefined,
  options: BootstrapOptions,
): Separation {
  const { level = 0.95 } = options
  const byQuestion = Map.groupBy(rows, ({ question }) => question)
  const scoreRanks = denseRanks(rows.map(({ score }) => score))
  const baselineRanks =
    baseline === undefined ? denseRanks(rows.map((row) => row.baselineScore)) : undefined
  const indexOf = new Map(rows.map((row, index) => [row, index]))
  const clusters = Array.from(byQuestion.values(), (group) =>
    group.map((row) => ({ isWith: row.isWith, index: indexOf.get(row) as number })),
  )
  const { values, warnings } = clusterBootstrap({
    ...options,
    clusters,
    statistic: (drawn) => {
      const own = aurocOfRanks(drawn, scoreRanks)
      if (baselineRanks === undefined) return [own]
      const other = aurocOfRanks(drawn, baselineRanks)
      return [own, other, own - other]
    },
  })
  const noRows = absent('there are no rows')
  const intervalAt = (index: number) => values[index]?.interval ?? noRows
  const ofBaseline: AurocByQuestion | Absent = baseline ?? {
    ...aurocOf((row) => row.baselineScore),
    intervalByQuestion: intervalAt(1),
  }
  return {
    auroc: { ...aurocOf((row) => row.score), intervalByQuestion: intervalAt(0) },
    baseline: ofBaseline,
    difference: {
      estimate: baseline ?? values[2]?.estimate ?? noRows,
      interval: baseline ?? intervalAt(2),
    },
    nQuestions: byQuestion.size,
    seed: options.seed,
    warnings: [...warnings, ...warningsOf(ofBaseline)],
  }

  function aurocOf(score: (row: ScoredRow) => number): Auroc {
    const of = (isWith: boolean) =>
      Float64Array.from(
        rows.filter((row) => row.isWith === isWith),
        score,
      )
    return auroc(of(false), of(true), { level })
  }
}

function warningsOf(baseline: AurocByQuestion | Absent): string[] {
  if (isAbsent(baseline))
    return [
      `no bag-of-embeddings baseline: ${baseline.absent}; the texts alone may tell the sides apart`,
    ]
  const { estimate } = baseline
  if (isAbsent(estimate) || estimate < 0.9) return []
  return [
    `the bag-of-embeddings baseline alone reaches ${estimate.toFixed(3)}: the texts tell the sides apart, and a high AUROC says little about the model`,
  ]
}

interface Ranks {
  /** Dense rank of every row. */
  readonly ranks: Int32Array
  readonly nRanks: number
}

/** Ranks that equal values share, so that resamples are counted and not sorted. */
function denseRanks(values: readonly number[]): Ranks {
  const sorted = Float64Array.from(new Set(values)).toSorted()
  const rankOf = new Map(Array.from(sorted, (value, rank) => [value, rank]))
  return {
    ranks: Int32Array.from(values, (value) => rankOf.get(value) as number),
    nRanks: sorted.length,
  }
}

type Cluster = readonly { readonly isWith: boolean; readonly index: number }[]

/** NaN where a side has no rows. */
function aurocOfRanks(clusters: readonly Cluster[], { ranks, nRanks }: Ranks): number {
  const counts = { with: new Int32Array(nRanks), without: new Int32Array(nRanks) }
  for (const cluster of clusters)
    for (const { isWith, index } of cluster) {
      const side = isWith ? counts.with : counts.without
      const rank = ranks[index] as number
      side[rank] = (side[rank] as number) + 1
    }
  let nWith = 0
  let nWithout = 0
  let nOrdered = 0
  for (let rank = 0; rank < nRanks; rank++) {
    const withHere = counts.with[rank] as number
    const withoutHere = counts.without[rank] as number
    nOrdered += withHere * (nWithout + withoutHere / 2)
    nWith += withHere
    nWithout += withoutHere
  }
  return nOrdered / (nWith * nWithout)
}
