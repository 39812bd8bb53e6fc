import { relative } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { DriftReport, Precision } from '@cem/inference'
import { isAlarm, sortedAlarms, voidedCells } from '../alarms/alarm.ts'
import { answerAddressesJudge } from '../alarms/answer-addresses-judge.ts'
import { collapsedAlarms } from '../alarms/collapsed-alarms.ts'
import { controlAlarms } from '../alarms/control-alarms.ts'
import { resultAlarms } from '../alarms/result-alarms.ts'
import { alphaOf } from '../analysis/alpha.ts'
import {
  type CellMetrics,
  cellMetrics,
  labelRows,
  type ScoredRecord,
} from '../analysis/cell-metrics.ts'
import { collapsedCells } from '../analysis/collapse.ts'
import {
  type Comparison,
  type ComparisonInput,
  compareAtSteps,
  compareMatched,
  type MatchedEm,
  matchedEm,
} from '../analysis/comparisons.ts'
import { contrastsOf } from '../analysis/contrasts.ts'
import { changedDeclaration, restartNotes } from '../analysis/declared.ts'
import { correctFamily, type Family } from '../analysis/family.ts'
import { type MatchedDifference, matchedDifferences } from '../analysis/matched-difference.ts'
import type { CellProjection } from '../analysis/projections.ts'
import {
  answersCut,
  comparisonNotes,
  inDomainNotAsked,
  resultNotes,
} from '../analysis/result-notes.ts'
import { type Similarity, similarityOf } from '../analysis/similarity.ts'
import { analyseCausal } from '../causal/analyse-causal.ts'
import type { CausalAnalysis } from '../causal/causal-results.ts'
import type { RunWarning } from '../events.ts'
import { runFigures, writeFigures } from '../figures/draw-figures.ts'
import type { Cell } from '../plan/cell.ts'
import { readLock } from '../store/lock.ts'
import { type JudgedRecord, readJudged } from '../store/verdicts.ts'
import { writeCheckpointSummary } from '../study/summary-files.ts'
import { analyseDirections, type DirectionSummary } from './analyse-directions.ts'
import { auditAlarms, type CellAudit } from './audit-rows.ts'
import type { RunContext } from './context.ts'

/** The results of a run as data: `analysis.json` of its store. */
export interface Analysis {
  readonly run: string
  readonly precision: Precision
  readonly thresholds: RunContext['loaded']['config']['thresholds']
  /** Of the intervals; absent in results from before it was kept. */
  readonly level?: number
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
  /** At steps. */
  readonly comparisons: readonly Comparison[]
  /** At the matched in-domain rate. */
  readonly matchedComparisons: readonly Comparison[]
  /** The tests that are corrected for together. */
  readonly family: Family
  /** Whether all persona conditions are alike. */
  readonly similarity: Similarity
  /**
   * Intervals of the comparisons that two one-sided tests at the run's error rate use; empty without a margin. Absent in results
   * from before they were kept.
   */
  readonly equivalence?: readonly EquivalenceInterval[]
  readonly matched: readonly MatchedEm[]
  /** Against the baseline at the matched in-domain rate. */
  readonly matchedDifferences: readonly MatchedDifference[]
  /** Null where the config asks for no causal checks. */
  readonly causal: CausalAnalysis | null
  readonly direction: DirectionSummary | null
  /** What the results themselves show; `alarms` has those of the plan, the self-tests and the judge too. */
  readonly warnings: readonly RunWarning[]
  readonly alarms: readonly RunWarning[]
  /** Rows counted against the plan, and answers that address the judge. */
  readonly audit: readonly CellAudit[]
  /** Relative to the results folder. */
  readonly files: readonly string[]
}

export interface EquivalenceInterval {
  /** Of the comparison. */
  readonly name: string
  readonly level: number
  /** Difference in EM share. */
  readonly low: number | null
  readonly high: number | null
}

export interface AnalyseInput {
  readonly audit: readonly CellAudit[]
  /** Alarms of the plan, the self-tests and the judge. */
  readonly standing: readonly RunWarning[]
  /** Notes on what was planned, that a reader of the results has to know. @default none */
  readonly planned?: readonly RunWarning[]
  /** Whether figures are drawn. @default true */
  readonly drawsFigures?: boolean
  /** What else a reader has to know, from the results as they are about to be written. @default nothing */
  readonly notes?: (analysis: Analysis) => Promise<readonly RunWarning[]>
}

/**
 * Computes everything that follows from the verdicts and activations that are there: rates with intervals, comparisons, the
 * direction and projections, figures. No model and no judge is called.
 */
export async function analyse(
  context: RunContext,
  { audit, standing, planned = [], drawsFigures = true, notes }: AnalyseInput,
): Promise<Analysis> {
  const { loaded, store } = context
  const { config, resultsFolder } = loaded
  const judged = new Map<string, readonly JudgedRecord[]>()
  for (const cell of context.cells) {
    const records = await readJudged(store, cell.id)
    if (records !== undefined) judged.set(cell.id, records)
  }
  const metrics = new Map(Array.from(judged, ([id, records]) => [id, cellMetrics(records, config)]))
  const lock = await readLock(store)
  const rows = new Map(
    Array.from(judged, ([id, records]) => {
      // The draws of an imported run are not known to be shared between its cells.
      const own = lock?.imported === undefined ? records : records.map(withoutDraw)
      return [id, labelRows(own, config.thresholds)] as const
    }),
  )
  // A changed model is compared with itself unchanged, and with nothing else.
  const cells = context.cells.filter((cell) => cell.kind !== 'causal')
  const known = cells.filter((cell) => metrics.has(cell.id))
  const causal = await analyseCausal(context, { cells: context.cells, judged, rows, config })
  const collapsed = new Set(collapsedCells(known, metrics, config.analysis.collapseBelow))
  const directions = await analyseDirections(context, known, rows)
  const drifts = await driftsOf(context)
  const found = [
    ...auditAlarms(audit, resultsFolder),
    ...answerAddressesJudge(audit),
    ...collapsedAlarms(known, collapsed),
    ...resultAlarms({ cells: known, rows, metrics, config }),
    ...resultNotes(known, metrics, rows),
    ...directions.warnings,
    ...causal.warnings,
  ]
  const alarms = sortedAlarms([...standing, ...found])
  const input = { cells: known, rows, collapsed, voided: voidedCells(alarms), config }
  const contrasts = contrastsOf(cells, config)
  const comparisons = compareAtSteps(contrasts, input)
  const matchedComparisons = compareMatched(contrasts, input)
  const all = [...comparisons, ...matchedComparisons]
  const isDeclared = config.analysis.family !== undefined
  const family = correctFamily(all, { isDeclared, alpha: alphaOf(config.analysis) })
  const warnings = [
    ...planned,
    ...inDomainNotAsked(contrasts, config),
    ...answersCut(audit, cells),
    ...(await controlAlarms(cells)).filter(({ code }) => !isAlarm(code)),
    ...found,
    ...comparisonNotes(all, family),
    ...changedDeclaration(lock?.declared, config),
    ...restartNotes(lock),
  ]
  const entries = known.map((cell) => ({ cell, metrics: metrics.get(cell.id) as CellMetrics }))
  const results: Omit<Analysis, 'files'> = {
    run: loaded.name,
    precision: config.precision,
    thresholds: config.thresholds,
    level: config.analysis.level,
    cells: entries.map((entry) => ({
      ...entry,
      isCollapsed: collapsed.has(entry.cell.id),
      projections: directions.projections.get(entry.cell.id) ?? [],
      drift: drifts.get(entry.cell.id) ?? null,
    })),
    missing: context.cells.filter((cell) => !metrics.has(cell.id)).map((cell) => cell.id),
    comparisons,
    matchedComparisons,
    family,
    similarity: similarityOf(input),
    equivalence: equivalenceIntervals(contrasts, input),
    matched: matchedEm(input),
    matchedDifferences: matchedDifferences(input),
    causal: causal.summary,
    direction: directions.summary,
    warnings,
    alarms,
    audit,
  }
  const figures = drawsFigures ? await runFigures({ resultsFolder, store, analysis: results }) : []
  const files = [
    ...(await writeSummaries(resultsFolder, entries)),
    ...directions.files,
    ...causal.files,
    ...(await writeFigures(resultsFolder, figures)),
  ].map((file) => relative(resultsFolder, file))
  const computed: Analysis = { ...results, files }
  const more = (await notes?.(computed)) ?? []
  const analysis: Analysis = { ...computed, warnings: [...more, ...warnings] }
  await writeFileAtomic(store.analysisFile, `${JSON.stringify(analysis, null, 2)}\n`)
  return analysis
}

function withoutDraw({ set, question, verdicts }: JudgedRecord): ScoredRecord {
  return { set, question, verdicts }
}

/** The comparisons again at the level of two one-sided tests: 90 % for an error rate of 5 %. */
function equivalenceIntervals(
  contrasts: ReturnType<typeof contrastsOf>,
  input: ComparisonInput,
): EquivalenceInterval[] {
  const { analysis } = input.config
  if (analysis.equivalenceMargin === undefined) return []
  const level = Number((1 - 2 * alphaOf(analysis)).toPrecision(12))
  const config = { ...input.config, analysis: { ...analysis, level } }
  const again = { ...input, config }
  return [...compareAtSteps(contrasts, again), ...compareMatched(contrasts, again)].map(
    ({ name, difference: { low, high } }) => ({ name, level, low, high }),
  )
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
