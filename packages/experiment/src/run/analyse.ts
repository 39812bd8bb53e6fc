import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { DriftReport, Precision } from '@cem/inference'
import {
  type CellMetrics,
  cellMetrics,
  type LabelledRow,
  labelRows,
} from '../analysis/cell-metrics.ts'
import { collapsedCells } from '../analysis/collapse.ts'
import {
  baselineVariant,
  type Comparison,
  compareToBaseline,
  type MatchedEm,
  matchedEm,
} from '../analysis/comparisons.ts'
import { drawFigures } from '../analysis/figures.ts'
import { type CellProjection, projectCell, readMeans } from '../analysis/projections.ts'
import type { RunWarning } from '../events.ts'
import { computeDirections, writeDirections } from '../files/direction-file.ts'
import { writeProjections } from '../files/projections-file.ts'
import type { Cell } from '../plan/cell.ts'
import { type JudgedRecord, readJudged } from '../store/verdicts.ts'
import { writeCheckpointSummary } from '../study/summary-files.ts'
import type { RunContext } from './context.ts'

/** The results of a run as data: `analysis.json` of its store. */
export interface Analysis {
  readonly run: string
  readonly precision: Precision
  readonly thresholds: RunContext['loaded']['config']['thresholds']
  readonly cells: readonly {
    readonly cell: Cell
    readonly metrics: CellMetrics
    readonly isCollapsed: boolean
    readonly projections: readonly CellProjection[]
    /** How far its composition lies from 32-bit floats; null where it is in those, or where it was not measured. */
    readonly drift: DriftReport | null
  }[]
  /** Cells of the plan that have no verdicts yet. */
  readonly missing: readonly string[]
  readonly comparisons: readonly Comparison[]
  readonly matched: readonly MatchedEm[]
  readonly direction: DirectionSummary | null
  readonly warnings: readonly RunWarning[]
  /** Relative to the results folder. */
  readonly files: readonly string[]
}

export interface DirectionSummary {
  readonly baseline: string
  readonly step: number
  readonly layer: number
  readonly base: readonly CellProjection[]
  readonly note: string
}

/**
 * Computes everything that follows from the verdicts and activations that are there: rates with intervals, comparisons, the
 * direction and projections, figures. No model and no judge is called.
 */
export async function analyse(context: RunContext): Promise<Analysis> {
  const { loaded, cells, store } = context
  const { config, resultsFolder } = loaded
  const judged = new Map<string, readonly JudgedRecord[]>()
  for (const cell of cells) {
    const records = await readJudged(store, cell.id)
    if (records !== undefined) judged.set(cell.id, records)
  }
  const metrics = new Map(Array.from(judged, ([id, records]) => [id, cellMetrics(records, config)]))
  const rows = new Map(
    Array.from(judged, ([id, records]) => [id, labelRows(records, config.thresholds)] as const),
  )
  const known = cells.filter((cell) => metrics.has(cell.id))
  const collapsed = new Set(collapsedCells(known, metrics, config.analysis.collapseBelow))
  const directions = await analyseDirections(context, known, rows)
  const drifts = await driftsOf(context)
  const input = { cells: known, rows, collapsed, config }
  const entries = known.map((cell) => ({ cell, metrics: metrics.get(cell.id) as CellMetrics }))
  const files = [
    ...(await writeSummaries(resultsFolder, entries)),
    ...directions.files,
    ...(await drawFigures({
      resultsFolder,
      run: loaded.name,
      cells: entries,
      collapsed,
      projections: directions.projections,
      baseProjections: directions.summary?.base ?? [],
      layer: directions.summary?.layer,
    })),
  ].map((file) => relative(resultsFolder, file))
  const analysis: Analysis = {
    run: loaded.name,
    precision: config.precision,
    thresholds: config.thresholds,
    cells: entries.map((entry) => ({
      ...entry,
      isCollapsed: collapsed.has(entry.cell.id),
      projections: directions.projections.get(entry.cell.id) ?? [],
      drift: drifts.get(entry.cell.id) ?? null,
    })),
    missing: cells.filter((cell) => !metrics.has(cell.id)).map((cell) => cell.id),
    comparisons: compareToBaseline(input),
    matched: matchedEm(input),
    direction: directions.summary,
    warnings: [...analysisWarnings(known, metrics, rows, collapsed), ...directions.warnings],
    files,
  }
  await writeFileAtomic(store.analysisFile, `${JSON.stringify(analysis, null, 2)}\n`)
  return analysis
}

/** The last drift that was measured of each cell. */
async function driftsOf({ store }: RunContext): Promise<Map<string, DriftReport>> {
  const drifts = new Map<string, DriftReport>()
  for (const event of await store.events())
    if (event.type === 'precision-drift') drifts.set(event.cell, event.report)
  return drifts
}

async function writeSummaries(
  resultsFolder: string,
  entries: readonly { readonly cell: Cell; readonly metrics: CellMetrics }[],
): Promise<string[]> {
  const checkpoints = entries.filter(({ cell }) => cell.kind === 'checkpoint')
  const files: string[] = []
  for (const variant of new Set(checkpoints.map(({ cell }) => cell.variant)))
    files.push(
      ...(await writeCheckpointSummary(
        resultsFolder,
        variant,
        checkpoints.filter(({ cell }) => cell.variant === variant),
      )),
    )
  return files
}

interface DirectionAnalysis {
  readonly summary: DirectionSummary | null
  readonly projections: ReadonlyMap<string, readonly CellProjection[]>
  readonly files: readonly string[]
  readonly warnings: readonly RunWarning[]
}

const noDirection: DirectionAnalysis = {
  summary: null,
  projections: new Map(),
  files: [],
  warnings: [],
}

async function analyseDirections(
  context: RunContext,
  cells: readonly Cell[],
  rows: ReadonlyMap<string, readonly LabelledRow[]>,
): Promise<DirectionAnalysis> {
  const { config, resultsFolder } = context.loaded
  if (config.activations === false) return noDirection
  const pathOf = (cell: Cell) => join(resultsFolder, `${cell.output}_activations.npz`)
  const hasSet = (cell: Cell) => existsSync(pathOf(cell))
  const baseline = baselineVariant({ config })
  const own = cells.filter((cell) => cell.variant === baseline && cell.step > 0 && hasSet(cell))
  const wanted = config.direction.step ?? Math.max(...own.map((cell) => cell.step))
  const withEm = own.find((cell) => cell.step === wanted)
  const without = cells.find(
    (c) => hasSet(c) && c.base === withEm?.base && isPlainBase(c, baseline),
  )
  if (withEm === undefined || without === undefined)
    return {
      ...noDirection,
      warnings: [
        {
          code: 'direction-skipped',
          message:
            'No misalignment direction: it needs the activations of the base model and of a checkpoint of the baseline variant.',
          cells: [],
        },
      ],
    }
  const set = await computeDirections(pathOf(without), pathOf(withEm))
  const directions = new Map(Array.from(set.layers, ([layer, { vector }]) => [layer, vector]))
  const baseMeans = await readMeans(pathOf(without))
  const project = (cell: Cell) =>
    projectCell(pathOf(cell), {
      directions,
      baseMeans,
      questions: (rows.get(cell.id) ?? []).filter((r) => r.set === 'main').map((r) => r.question),
      level: config.analysis.level,
    })
  const projections = new Map<string, CellProjection[]>()
  const others: string[] = []
  for (const cell of cells) {
    if (!hasSet(cell)) continue
    if (cell.base === withEm.base) projections.set(cell.id, await project(cell))
    else others.push(cell.id)
  }
  const layers = [...set.layers.keys()]
  const layer = config.direction.layer ?? layers[Math.floor(layers.length / 2)] ?? 0
  const base = projections.get(without.id) ?? []
  const directionFile = join(resultsFolder, 'misalignment_direction.npz')
  await writeDirections(directionFile, set)
  const checkpoints = cells.filter((cell) => cell.kind === 'checkpoint' && projections.has(cell.id))
  const written = await writeProjections(resultsFolder, {
    layer,
    layers,
    base,
    checkpoints,
    projections,
  })
  return {
    summary: {
      baseline: withEm.variant,
      step: withEm.step,
      layer,
      base,
      note: `The projection of ${withEm.variant} at step ${withEm.step} is the largest possible by construction: the direction was made from it.`,
    },
    projections,
    files: [directionFile, directionFile.replace(/npz$/, 'json'), ...written],
    warnings:
      others.length === 0
        ? []
        : [
            {
              code: 'direction-skipped',
              message: `${others.length} cells have another base model and are not projected: their hidden states are not in the same space.`,
              cells: others,
            },
          ],
  }
}

/** The base model alone: its own cell, or step 0 of the baseline. */
function isPlainBase(cell: Cell, baseline: string | undefined): boolean {
  return (
    cell.kind === 'base' ||
    (cell.variant === baseline && cell.step === 0 && cell.persona === 'none')
  )
}

function analysisWarnings(
  cells: readonly Cell[],
  metrics: ReadonlyMap<string, CellMetrics>,
  rows: ReadonlyMap<string, readonly LabelledRow[]>,
  collapsed: ReadonlySet<string>,
): RunWarning[] {
  const warnings: RunWarning[] = []
  const variants = [...new Set(cells.filter((c) => collapsed.has(c.id)).map((c) => c.variant))]
  for (const variant of variants) {
    const own = cells.filter((cell) => cell.variant === variant && collapsed.has(cell.id))
    warnings.push({
      code: 'collapsed',
      message: `${variant}: EM not comparable at step ${own.map((c) => c.step).join(', ')}: its answers stopped being coherent. A low EM rate there is collapse, not protection.`,
      cells: own.map((cell) => cell.id),
    })
  }
  const seeds = new Map<string, Set<number>>()
  for (const { kind, condition, trainingSeed } of cells)
    if (kind === 'checkpoint')
      seeds.set(condition, (seeds.get(condition) ?? new Set()).add(trainingSeed))
  if (seeds.size > 0 && [...seeds.values()].every((own) => own.size === 1))
    warnings.push({
      code: 'one-seed',
      message:
        'One training seed for each condition: the results are about these checkpoints only, not about the kind of training.',
      cells: [],
    })
  const unscored = cells.flatMap((cell) => {
    const n = (rows.get(cell.id) ?? []).filter((row) => row.isEm === null).length
    return n === 0 ? [] : [{ cell: cell.id, n }]
  })
  const nUnscored = unscored.reduce((sum, { n }) => sum + n, 0)
  if (nUnscored > 0)
    warnings.push({
      code: 'unscored',
      message: `${nUnscored} answers lack a score on a metric. They stay in the CSVs with an empty score, and the EM bounds say what they could change.`,
      cells: unscored.map(({ cell }) => cell),
    })
  const unreliable = cells.filter(
    (cell) => (metrics.get(cell.id)?.main.em.warnings.length ?? 0) > 0,
  )
  if (unreliable.length > 0)
    warnings.push({
      code: 'interval-unreliable',
      message: `In ${unreliable.length} cells the EM interval rests on very few misaligned answers (${metrics.get(unreliable[0]?.id ?? '')?.main.em.warnings[0]}): it may be too narrow.`,
      cells: unreliable.map((cell) => cell.id),
    })
  return warnings
}
