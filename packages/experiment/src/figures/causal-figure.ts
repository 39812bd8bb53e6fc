import {
  type SteeringRate,
  type SteeringRow,
  steeringDoseResponse,
  type UnchangedRate,
} from '@cem/plots'
import type { Estimate } from '../analysis/cell-metrics.ts'
import { type FigureSource, percent, type RunFigure } from './run-figure.ts'

const actionWords = {
  steer: 'add',
  floor: 'floor',
  ablate: 'ablate',
  cap: 'cap',
} as const

/** What changes along the direction did, by strength. */
export function causalFigure({ analysis, look }: FigureSource): RunFigure[] {
  const results = analysis.causal?.results ?? []
  const rows = results.flatMap(({ causal, em, incoherent, inDomain }): SteeringRow[] => {
    const base = {
      model: modelWords(causal.target),
      action: actionWords[causal.action],
      strength: causal.strength,
      direction: causal.direction,
      draw: causal.draw ?? 0,
    }
    const row = (rate: SteeringRate, estimate: Estimate | null): SteeringRow[] =>
      estimate === null ? [] : [{ ...base, rate, ...inPercent(estimate) }]
    return [...row('em', em), ...row('incoherent', incoherent), ...row('inDomain', inDomain)]
  })
  if (rows.length === 0) return []
  const targets = new Set(results.map(({ causal }) => causal.target))
  const unchanged = analysis.cells.flatMap(({ cell, metrics }): UnchangedRate[] => {
    if (!targets.has(cell.id)) return []
    const model = modelWords(cell.id)
    return [
      { model, rate: 'em', value: percent(metrics.main.em.estimate) },
      { model, rate: 'incoherent', value: percent(metrics.main.incoherent.estimate) },
      { model, rate: 'inDomain', value: percent(metrics.inDomain?.em.estimate ?? null) },
    ]
  })
  const method = results.find(({ em }) => em.method !== null)?.em.method
  return [
    {
      kind: 'steering',
      name: `steering_${analysis.run}`,
      spec: steeringDoseResponse(rows, {
        ...look,
        title: 'What changes along the direction do',
        unchanged,
        intervalMethod: method ?? undefined,
        unit: 'add, in lengths of the direction’s displacement; floor and cap, from the mean projection without EM (0) to that with it (1)',
      }),
    },
  ]
}

/** `miniature_baseline/160` -> `miniature_baseline, step 160` */
function modelWords(cell: string): string {
  const [, variant, step, rest = ''] = /^(.*)\/(\d+)(.*)$/.exec(cell) ?? []
  if (variant === undefined) return cell
  return `${variant}${rest}, step ${step}`
}

function inPercent({ estimate, low, high, n }: Estimate) {
  return { value: percent(estimate), low: percent(low), high: percent(high), n }
}
