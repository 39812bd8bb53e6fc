import { stringify } from 'csv-stringify/sync'
import type { Estimate } from '../analysis/cell-metrics.ts'
import type { CausalResult } from './causal-results.ts'

/** The results as a table, a row for each cell; an absent number is an empty field. */
export function causalCsv(results: readonly CausalResult[]): string {
  return stringify(
    results.map(({ cell, causal, em, incoherent, coherent, inDomain, fromTarget, fromRandom }) => ({
      cell,
      action: causal.action,
      strength: causal.strength,
      direction: causal.direction,
      draw: causal.draw,
      target: causal.target,
      ...columns('em', em),
      ...columns('incoherent', incoherent),
      ...columns('coherent', coherent),
      ...columns('in_domain', inDomain),
      ...columns('em_difference', fromTarget.em),
      ...columns('incoherent_difference', fromTarget.incoherent),
      ...columns('em_difference_from_random', fromRandom?.em ?? null),
    })),
    { header: true },
  )
}

function columns(name: string, estimate: Estimate | null): Record<string, number | null> {
  return {
    [name]: estimate?.estimate ?? null,
    [`${name}_low`]: estimate?.low ?? null,
    [`${name}_high`]: estimate?.high ?? null,
  }
}
