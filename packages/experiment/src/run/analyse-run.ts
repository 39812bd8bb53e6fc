import { createHash } from 'node:crypto'
import { relative } from 'node:path'
import type { RunWarning } from '../events.ts'
import { analyseUnit, unitId } from '../plan/units.ts'
import { writeReport } from '../report/write-report.ts'
import { writeRunConfig } from '../store/run-config.ts'
import { analyse } from './analyse.ts'
import { auditRows, type CellAudit } from './audit-rows.ts'
import { standingAlarms } from './run-alarms.ts'
import type { RunState } from './run-state.ts'

/** What is no mistake, and what a reader of the results has to know of the plan. */
const notesOnPlan: ReadonlySet<string> = new Set([
  'bases-differ',
  'persona-unverified',
  'cells-left-out',
  'questions-left-out',
  'training-data-unread',
  'samples-repeat',
  'judge-unwatched',
])

/** Analyses the run once everything is judged, or what is there when only the analysis was asked for. */
export async function analyseRun(state: RunState): Promise<void> {
  if (!state.phases.has('analyse')) return
  const { done, failed, prepared } = state
  const isSettled = prepared.cells.every(({ id }) => {
    const unit = unitId('judge', id)
    return done.has(unit) || failed.has(unit) || failed.has(unitId('generate', id))
  })
  if (!isSettled && state.phases.size > 1) return
  const audit = await auditRows(state.context, done, prepared.compositions)
  const standing = await standingAlarms(state)
  const inputs = await analysisInputs(state, audit, standing)
  const last = (await state.store.events()).findLast((event) => event.type === 'analysis-inputs')
  if (done.has(analyseUnit) && last?.type === 'analysis-inputs' && last.sha256 === inputs) return
  done.delete(analyseUnit)
  await state.perform(analyseUnit, async () => {
    const total = prepared.cells.length
    await state.record({ type: 'unit-start', unit: analyseUnit, total, done: 0 })
    const planned = prepared.warnings.filter(({ code }) => notesOnPlan.has(code))
    const drawsFigures = state.options.figures !== false
    const analysis = await analyse(state.context, { audit, standing, planned, drawsFigures })
    // What was said of the plan when the run began is not said again.
    const told = new Set(prepared.warnings)
    for (const warning of analysis.warnings)
      if (!told.has(warning)) await state.record({ type: 'warning', warning })
    const { comparisons, matchedComparisons, family, similarity } = analysis
    await state.record({
      type: 'statistics',
      comparisons: [...comparisons, ...matchedComparisons],
      family,
      similarity,
    })
    await state.record({ type: 'analysis-inputs', sha256: inputs })
    const { resultsFolder, name } = state.options.loaded
    await writeRunConfig(state.store, state.options.loaded.config)
    const isWanted = state.options.report !== false && analysis.cells.length > 0
    const report = isWanted ? await reportFiles(resultsFolder, name) : []
    return { files: [...analysis.files, ...report], total: analysis.cells.length, retryable: 0 }
  })
}

/** The report, relative to the results folder. */
async function reportFiles(resultsFolder: string, run: string): Promise<string[]> {
  const { html, markdown } = await writeReport({ resultsFolder, run })
  return [html, markdown].map((file) => relative(resultsFolder, file))
}

/** What the analysis depends on: the ends of the other units, the rows that are there, alarms, and the settings that it reads. */
async function analysisInputs(
  { store, options }: RunState,
  audit: readonly CellAudit[],
  standing: readonly RunWarning[],
): Promise<string> {
  const ends = (await store.events())
    .filter((event) => event.type === 'unit-end' && event.unit !== analyseUnit)
    .map((event) => event.time)
  const { thresholds, analysis, direction, questions, variants } = options.loaded.config
  return createHash('sha256')
    .update(
      JSON.stringify([ends, thresholds, analysis, direction, questions, variants, audit, standing]),
    )
    .digest('hex')
}
