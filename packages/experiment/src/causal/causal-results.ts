import { cellMetrics, type Estimate, type LabelledRow } from '../analysis/cell-metrics.ts'
import { differenceOf, statisticRows } from '../analysis/row-statistics.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import type { JudgedRecord } from '../store/verdicts.ts'
import type { CausalDirectionRecord } from './causal-direction.ts'
import type { CausalSpec } from './causal-spec.ts'

/** What a change along a direction did, beside the same model unchanged. Shares are from 0 to 1. */
export interface CausalResult {
  readonly cell: string
  readonly causal: CausalSpec
  readonly em: Estimate
  readonly incoherent: Estimate
  /** Mean coherence score. */
  readonly coherent: Estimate
  /** EM on questions of the trained domain; null where none were asked. */
  readonly inDomain: Estimate | null
  /** Changed minus unchanged, paired by question: the same questions with the same noise. */
  readonly fromTarget: {
    readonly em: Estimate
    readonly incoherent: Estimate
    readonly inDomain: Estimate | null
  }
  /** The contrast's direction minus all random ones, at the same strength; null without random ones, and for these. */
  readonly fromRandom: { readonly em: Estimate; readonly incoherent: Estimate } | null
}

export interface CausalAnalysis {
  readonly direction: CausalDirectionRecord | null
  readonly results: readonly CausalResult[]
  /** Causal cells without verdicts, or whose unchanged cell has none. */
  readonly missing: readonly string[]
}

export interface CausalInput {
  /** Of the whole plan. */
  readonly cells: readonly Cell[]
  readonly judged: ReadonlyMap<string, readonly JudgedRecord[]>
  readonly rows: ReadonlyMap<string, readonly LabelledRow[]>
  readonly config: ExperimentConfig
}

/** What every causal cell came to; no model and no judge is called. */
export function causalResults({
  cells,
  judged,
  rows,
  config,
}: CausalInput): Pick<CausalAnalysis, 'results' | 'missing'> {
  const causal = cells.flatMap((cell) =>
    cell.causal === undefined ? [] : [{ cell: cell.id, causal: cell.causal }],
  )
  const missing: string[] = []
  const results = causal.flatMap(({ cell, causal: spec }) => {
    const [records, own, target] = [judged.get(cell), rows.get(cell), rows.get(spec.target)]
    if (records === undefined || own === undefined || target === undefined) {
      missing.push(cell)
      return []
    }
    const { main, inDomain } = cellMetrics(records, config)
    const controls = causal
      .filter(({ causal: other }) => isControlOf(spec, other))
      .flatMap((other) => rows.get(other.cell) ?? [])
    const against = (
      other: readonly LabelledRow[],
      label: 'isEm' | 'isIncoherent',
      set: LabelledRow['set'] = 'main',
    ) =>
      differenceOf(
        statisticRows(own, set, label),
        statisticRows(other, set, label),
        config.analysis,
      )
    const result: CausalResult = {
      cell,
      causal: spec,
      em: main.em,
      incoherent: main.incoherent,
      coherent: main.coherent,
      inDomain: inDomain?.em ?? null,
      fromTarget: {
        em: against(target, 'isEm'),
        incoherent: against(target, 'isIncoherent'),
        inDomain: inDomain === null ? null : against(target, 'isEm', 'inDomain'),
      },
      fromRandom:
        controls.length === 0
          ? null
          : { em: against(controls, 'isEm'), incoherent: against(controls, 'isIncoherent') },
    }
    return [result]
  })
  return { results, missing }
}

function isControlOf(spec: CausalSpec, other: CausalSpec): boolean {
  return (
    spec.direction === 'contrast' &&
    other.direction === 'random' &&
    other.action === spec.action &&
    other.strength === spec.strength
  )
}
