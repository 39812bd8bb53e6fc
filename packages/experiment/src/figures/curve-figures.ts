import {
  type BaseProjection,
  type EmAgainstInDomainRow,
  type EmCurveRow,
  type EmMetric,
  emAgainstInDomain,
  emCurves,
  type Flag,
  type ProjectionRow,
  projectionCurves,
  projectionGrid,
} from '@cem/plots'
import type { CellMetrics, Estimate } from '../analysis/cell-metrics.ts'
import type { Cell } from '../plan/cell.ts'
import { checkpointsOf, type FigureSource, type RunFigure } from './run-figure.ts'

/** EM curves in four panels, EM against the in-domain rate, and projections at one layer and at all. */
export function curveFigures(source: FigureSource): RunFigure[] {
  const { analysis, styles, look } = source
  const checkpoints = checkpointsOf(source)
  if (checkpoints.length === 0) return []
  const intervalMethod = intervalMethodOf(checkpoints)
  const collapsed = new Set(
    checkpoints.flatMap(({ cell, isCollapsed }) => (isCollapsed ? cell.id : [])),
  )
  const figures: RunFigure[] = [
    {
      kind: 'curves',
      name: `em_curves_${analysis.run}`,
      spec: emCurves(
        curveRows(checkpoints, collapsed).filter(({ metric }) => metric !== 'incoherent'),
        { ...look, title: 'Emergent misalignment by checkpoint', styles, intervalMethod },
      ),
    },
  ]
  const matched = inDomainRows(checkpoints, collapsed)
  if (matched.length > 0)
    figures.push({
      kind: 'in-domain',
      name: `em_against_in_domain_${analysis.run}`,
      spec: emAgainstInDomain(matched, {
        ...look,
        title: 'EM against what was trained',
        styles,
        intervalMethod,
        matchedRate: targetOf(source),
      }),
    })
  return [...figures, ...projectionFigures(source, collapsed)]
}

function projectionFigures(source: FigureSource, collapsed: ReadonlySet<string>): RunFigure[] {
  const { analysis, styles, look } = source
  const { direction } = analysis
  const projections = projectionRows(checkpointsOf(source), collapsed)
  if (projections.length === 0 || direction === null) return []
  const base = direction.base.map(
    ({ layer, projection }): BaseProjection => ({ layer, projection: projection.estimate }),
  )
  const options = { ...look, styles, base, intervalMethod: 't over questions' }
  return [
    {
      kind: 'projections',
      name: `activation_projections_layer${direction.layer}`,
      spec: projectionCurves(projections, {
        ...options,
        layer: direction.layer,
        title: 'Projection on the misalignment direction',
      }),
    },
    {
      kind: 'projections',
      name: 'activation_projections_all_layers',
      spec: projectionGrid(projections, {
        ...options,
        title: 'Projection on the misalignment direction, by layer',
      }),
    },
  ]
}

/** The in-domain rate at which variants were compared, in percent. */
function targetOf({ analysis }: FigureSource): number | undefined {
  const target = analysis.matched?.[0]?.target
  return target === undefined ? undefined : Number((100 * target).toPrecision(6))
}

const curveMetrics: readonly (readonly [EmMetric, keyof CellMetrics['main'], number])[] = [
  ['aligned', 'aligned', 1],
  ['coherent', 'coherent', 1],
  ['misaligned', 'misaligned', 100],
  ['incoherent', 'incoherent', 100],
  ['em', 'em', 100],
]

/** What a figure says of a cell. */
type DrawnCell = Pick<Cell, 'id' | 'variant' | 'condition' | 'step' | 'match'>

/** Rows of the EM curves, in percent. */
export function curveRows(
  cells: readonly { readonly cell: DrawnCell; readonly metrics: CellMetrics }[],
  collapsed: ReadonlySet<string>,
): EmCurveRow[] {
  return cells.flatMap(({ cell, metrics }) =>
    curveMetrics.map(([metric, key, factor]): EmCurveRow => {
      const estimate = metrics.main[key] as Estimate
      return {
        ...cellRow(cell, collapsed),
        metric,
        n: estimate.n,
        ...scaled(estimate, factor),
      }
    }),
  )
}

type JudgedCells = readonly { readonly cell: DrawnCell; readonly metrics: CellMetrics }[]

function inDomainRows(cells: JudgedCells, collapsed: ReadonlySet<string>): EmAgainstInDomainRow[] {
  return cells.flatMap(({ cell, metrics }) => {
    if (metrics.inDomain === null) return []
    const em = scaled(metrics.main.em, 100)
    const inDomain = scaled(metrics.inDomain.em, 100)
    return [
      {
        ...cellRow(cell, collapsed),
        n: metrics.main.em.n,
        em: em.value,
        emLow: em.low,
        emHigh: em.high,
        inDomain: inDomain.value,
        inDomainLow: inDomain.low,
        inDomainHigh: inDomain.high,
      },
    ]
  })
}

function projectionRows(
  cells: ReturnType<typeof checkpointsOf>,
  collapsed: ReadonlySet<string>,
): ProjectionRow[] {
  return cells.flatMap(({ cell, projections }) =>
    projections.map(({ layer, projection }): ProjectionRow => {
      const { value, low, high } = scaled(projection, 1)
      return { ...cellRow(cell, collapsed), layer, projection: value, low, high, n: projection.n }
    }),
  )
}

function cellRow(cell: DrawnCell, collapsed: ReadonlySet<string>) {
  const flag = flagOfCell(cell, collapsed)
  return {
    variant: cell.variant,
    condition: cell.condition,
    step: cell.step,
    ...(flag === undefined ? {} : { flag }),
  }
}

function flagOfCell(cell: DrawnCell, collapsed: ReadonlySet<string>): Flag | undefined {
  if (cell.match === 'MISMATCH') return 'mismatch'
  return collapsed.has(cell.id) ? 'collapsed' : undefined
}

function scaled({ estimate, low, high }: Estimate, factor: number) {
  const times = (value: number | null) => (value === null ? null : value * factor)
  return { value: times(estimate), low: times(low), high: times(high) }
}

/** Rates and means have intervals of their own kinds: both are named. */
export function intervalMethodOf(cells: JudgedCells): string {
  const [first] = cells
  const methods = [first?.metrics.main.aligned.method, first?.metrics.main.em.method]
  return methods.filter((method) => method !== null && method !== undefined).join('; ')
}
