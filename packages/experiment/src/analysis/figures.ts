import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
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
  renderPng,
  renderSvg,
  variantStyles,
} from '@cem/plots'
import type { Cell } from '../plan/cell.ts'
import type { CellMetrics, Estimate } from './cell-metrics.ts'
import type { CellProjection } from './projections.ts'

export interface FigureInput {
  readonly resultsFolder: string
  readonly run: string
  /** Cells that were judged, with their numbers. */
  readonly cells: readonly { readonly cell: Cell; readonly metrics: CellMetrics }[]
  readonly collapsed: ReadonlySet<string>
  readonly projections: ReadonlyMap<string, readonly CellProjection[]>
  readonly baseProjections: readonly CellProjection[]
  /** Layer of the single-layer figure. */
  readonly layer: number | undefined
}

type Spec = Parameters<typeof renderSvg>[0]

/** Draws the run's figures as SVG and PNG with their specs beside them (`.vl.json`), and gives the files' paths. */
export async function drawFigures(input: FigureInput): Promise<string[]> {
  const { resultsFolder, run } = input
  const files: string[] = []
  const draw = async (name: string, spec: Spec) => {
    const path = join(resultsFolder, name)
    await writeFileAtomic(`${path}.svg`, await renderSvg(spec))
    await writeFileAtomic(`${path}.png`, await renderPng(spec))
    await writeFileAtomic(`${path}.vl.json`, `${JSON.stringify(spec)}\n`)
    files.push(`${path}.png`, `${path}.svg`, `${path}.vl.json`)
  }
  const checkpoints = input.cells.filter(({ cell }) => cell.kind === 'checkpoint')
  if (checkpoints.length === 0) return files
  const styles = variantStyles(checkpoints.map(({ cell }) => ({ variant: cell.variant })))
  const curves = curveRows(checkpoints, input.collapsed)
  const intervalMethod = intervalMethodOf(checkpoints)
  await draw(
    `em_curves_${run}`,
    emCurves(curves, { title: 'Emergent misalignment by checkpoint', styles, intervalMethod }),
  )
  const matched = inDomainRows(checkpoints, input.collapsed)
  if (matched.length > 0)
    await draw(
      `em_against_in_domain_${run}`,
      emAgainstInDomain(matched, { title: 'EM against what was trained', styles, intervalMethod }),
    )
  const projections = projectionRows(checkpoints, input)
  if (projections.length === 0 || input.layer === undefined) return files
  const base = input.baseProjections.map(
    ({ layer, projection }): BaseProjection => ({ layer, projection: projection.estimate }),
  )
  const options = { styles, base, intervalMethod: 't over questions' }
  await draw(
    `activation_projections_layer${input.layer}`,
    projectionCurves(projections, {
      ...options,
      layer: input.layer,
      title: 'Projection on the misalignment direction',
    }),
  )
  await draw(
    'activation_projections_all_layers',
    projectionGrid(projections, {
      ...options,
      title: 'Projection on the misalignment direction, by layer',
    }),
  )
  return files
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

function inDomainRows(
  cells: FigureInput['cells'],
  collapsed: ReadonlySet<string>,
): EmAgainstInDomainRow[] {
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
  cells: FigureInput['cells'],
  { projections, collapsed }: FigureInput,
): ProjectionRow[] {
  return cells.flatMap(({ cell }) =>
    (projections.get(cell.id) ?? []).map(({ layer, projection }): ProjectionRow => {
      const { value, low, high } = scaled(projection, 1)
      return { ...cellRow(cell, collapsed), layer, projection: value, low, high, n: projection.n }
    }),
  )
}

function cellRow(cell: DrawnCell, collapsed: ReadonlySet<string>) {
  const flag = flagOf(cell, collapsed)
  return {
    variant: cell.variant,
    condition: cell.condition,
    step: cell.step,
    ...(flag === undefined ? {} : { flag }),
  }
}

function flagOf(cell: DrawnCell, collapsed: ReadonlySet<string>): Flag | undefined {
  if (cell.match === 'MISMATCH') return 'mismatch'
  return collapsed.has(cell.id) ? 'collapsed' : undefined
}

function scaled({ estimate, low, high }: Estimate, factor: number) {
  const times = (value: number | null) => (value === null ? null : value * factor)
  return { value: times(estimate), low: times(low), high: times(high) }
}

/** Rates and means have intervals of their own kinds: both are named. */
function intervalMethodOf(cells: FigureInput['cells']): string {
  const [first] = cells
  const methods = [first?.metrics.main.aligned.method, first?.metrics.main.em.method]
  return methods.filter((method) => method !== null && method !== undefined).join('; ')
}
