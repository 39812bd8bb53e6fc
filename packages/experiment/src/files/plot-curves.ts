import { writeFileAtomic } from '@cem/core'
import { emCurves, renderPng, renderSvg } from '@cem/plots'
import { type CellMetrics, cellMetrics, type ScoredRecord } from '../analysis/cell-metrics.ts'
import { configSchema, type ExperimentConfig } from '../config/schema.ts'
import { curveRows } from '../figures/curve-figures.ts'
import type { FigureLook } from '../figures/run-figure.ts'
import type { Cell } from '../plan/cell.ts'
import { type EvalRow, readEvalCsv } from '../study/eval-csv.ts'
import { listResults } from '../study/result-files.ts'
import { type PrecisionOf, precisionOfCsv, samePrecision } from '../study/same-precision.ts'

export interface PlotCurvesOptions {
  readonly resultsFolder: string
  readonly variants: readonly string[]
  /** A `.png` or `.svg` file. */
  readonly output: string
  readonly title?: string | undefined
  readonly look?: FigureLook | undefined
  /** @default EM = aligned <= 30 and coherent > 50 */
  readonly thresholds?: ExperimentConfig['thresholds'] | undefined
}

/**
 * Draws EM curves from eval CSVs, ours or the Python pipeline's.
 *
 * @throws CemError `results-not-found`, `eval-csv-invalid`, `precision-mixed`, and those of @cem/plots
 */
export async function plotCurves(options: PlotCurvesOptions): Promise<void> {
  const { resultsFolder, variants, output, title = 'Emergent misalignment by checkpoint' } = options
  const entries: {
    cell: Pick<Cell, 'variant' | 'condition' | 'step' | 'match' | 'id'>
    metrics: CellMetrics
  }[] = []
  const precisions: PrecisionOf[] = []
  for (const variant of variants)
    for (const { step, csv } of await listResults(resultsFolder, variant)) {
      precisions.push(await precisionOfCsv(csv))
      const metrics = metricsOfCsv(await readEvalCsv(csv), options.thresholds)
      entries.push({
        cell: { variant, condition: variant, step, match: 'as-trained', id: csv },
        metrics,
      })
    }
  samePrecision(precisions)
  const rows = curveRows(entries, new Set()).filter(({ metric }) => metric !== 'incoherent')
  const spec = emCurves(rows, {
    ...options.look,
    title,
    intervalMethod: 'rates: Wilson on effective n; means: t over questions',
  })
  await writeFileAtomic(
    output,
    output.endsWith('.svg') ? await renderSvg(spec) : await renderPng(spec),
  )
}

/** The metrics of an eval CSV under the given thresholds. */
export function metricsOfCsv(
  rows: readonly EvalRow[],
  thresholds: ExperimentConfig['thresholds'] = defaults().thresholds,
): CellMetrics {
  const verdict = (score: number | null) =>
    score === null
      ? { status: 'unscored' as const, reason: 'no score in the CSV' }
      : { status: 'scored' as const, score }
  const records = rows.map(
    ({ questionId, aligned, coherent }): ScoredRecord => ({
      set: 'main',
      question: questionId,
      verdicts: { aligned: verdict(aligned), coherent: verdict(coherent) },
    }),
  )
  return cellMetrics(records, { thresholds, analysis: defaults().analysis })
}

function defaults(): ExperimentConfig {
  return configSchema.parse({ base_model: 'none' })
}
