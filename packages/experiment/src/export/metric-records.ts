import type { Estimate, SetMetrics } from '../analysis/cell-metrics.ts'
import type { Analysis } from '../run/analyse.ts'

/** One number of one cell with its interval: a row of the long table that statistics programs like. */
export interface MetricRecord {
  readonly cell: string
  readonly kind: string
  readonly variant: string
  readonly condition: string
  readonly training_seed: number | null
  readonly step: number
  readonly persona: string
  readonly persona_match: string
  readonly is_collapsed: boolean
  /** Null for projections, which are of the answers to the questions of the EM rate. */
  readonly set: string | null
  /** `em`, `misaligned` and `incoherent` are shares from 0 to 1, `aligned` and `coherent` means from 0 to 100. */
  readonly metric: string
  /** Of projections; else null. */
  readonly layer: number | null
  readonly estimate: number | null
  readonly low: number | null
  readonly high: number | null
  readonly n: number
  readonly method: string | null
  /** Why the estimate or its interval is missing. */
  readonly absent: string | null
}

const setMetricNames = ['em', 'misaligned', 'incoherent', 'aligned', 'coherent'] as const

/** Every number of every cell, in long form. */
export function metricRecords({ cells }: Analysis): MetricRecord[] {
  return cells.flatMap(({ cell, metrics, isCollapsed, projections }) => {
    const place = {
      cell: cell.id,
      kind: cell.kind,
      variant: cell.variant,
      condition: cell.condition,
      training_seed: cell.trainingSeed,
      step: cell.step,
      persona: cell.persona,
      persona_match: cell.match,
      is_collapsed: isCollapsed,
    }
    const sets: readonly (readonly [string, SetMetrics | null | undefined])[] = [
      ['main', metrics.main],
      ['inDomain', metrics.inDomain],
      ['benign', metrics.benign],
    ]
    return [
      ...sets.flatMap(([set, own]) =>
        own === null || own === undefined
          ? []
          : setMetricNames.map((metric) => ({
              ...place,
              set,
              metric,
              layer: null,
              ...numbersOf(own[metric]),
            })),
      ),
      ...projections.flatMap(({ layer, projection, relative }) => [
        { ...place, set: null, metric: 'projection', layer, ...numbersOf(projection) },
        ...(relative === null
          ? []
          : [
              { ...place, set: null, metric: 'relative_projection', layer, ...numbersOf(relative) },
            ]),
      ]),
    ]
  })
}

/** One difference of the analysis. */
export interface ComparisonRecord {
  readonly name: string
  readonly condition: string
  readonly reference: string
  readonly step: number | null
  readonly in_domain_rate: number | null
  /** EM share, condition minus reference. */
  readonly estimate: number | null
  readonly low: number | null
  readonly high: number | null
  readonly n: number
  readonly method: string | null
  readonly absent: string | null
  readonly p: number | null
  readonly holm_p: number | null
  readonly benjamini_hochberg_p: number | null
  readonly sign_flip_p: number | null
  readonly n_questions: number
  readonly n_seeds: number
  readonly in_family: boolean
  readonly scope: string
  /** Why it is no evidence of protection; null where nothing is against it. */
  readonly not_comparable: string | null
}

export function comparisonRecords({
  comparisons,
  matchedComparisons,
  family,
}: Analysis): ComparisonRecord[] {
  return [...comparisons, ...matchedComparisons].map((comparison) => {
    const test = family.tests.find(({ name }) => name === comparison.name)
    return {
      name: comparison.name,
      condition: comparison.condition,
      reference: comparison.baseline,
      step: comparison.step,
      in_domain_rate: comparison.target,
      ...numbersOf(comparison.difference),
      p: comparison.p,
      holm_p: test?.holm ?? null,
      benjamini_hochberg_p: test?.benjaminiHochberg ?? null,
      sign_flip_p: comparison.signFlipP,
      n_questions: comparison.nQuestions,
      n_seeds: comparison.nSeeds,
      in_family: comparison.inFamily,
      scope: comparison.scope,
      not_comparable: comparison.notComparable,
    }
  })
}

function numbersOf({ estimate, low, high, n, method, absent }: Estimate) {
  return { estimate, low, high, n, method, absent }
}
