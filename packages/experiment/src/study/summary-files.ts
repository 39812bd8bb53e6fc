import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { stringify } from 'csv-stringify/sync'
import type { CellMetrics } from '../analysis/cell-metrics.ts'
import type { Cell } from '../plan/cell.ts'

const columns = [
  'avg_aligned',
  'avg_coherent',
  'misaligned_pct',
  'coherent_pct',
  'em_pct',
  'total_evaluated',
  'total_responses',
  'step',
  'checkpoint_path',
  'csv_path',
] as const

/**
 * Writes the Python pipeline's `checkpoint_summary.csv` and `.json` and `checkpoint_progress.json` of a variant; the JSON also
 * has the intervals. Percentages are over rows with both scores.
 *
 * @returns the files' paths
 */
export async function writeCheckpointSummary(
  resultsFolder: string,
  variant: string,
  entries: readonly { readonly cell: Cell; readonly metrics: CellMetrics }[],
): Promise<string[]> {
  const folder = join(resultsFolder, `${variant}_checkpoints`)
  const sorted = entries.toSorted((a, b) => a.cell.step - b.cell.step)
  const rows = sorted.map(({ cell, metrics }) => summaryRow(resultsFolder, cell, metrics))
  const csv = stringify(
    [[...columns], ...rows.map((row) => columns.map((name) => row[name] ?? ''))],
    {
      record_delimiter: 'unix',
    },
  )
  const detailed = sorted.map(({ metrics }, i) => ({ ...rows[i], intervals: metrics }))
  const files = [
    'checkpoint_summary.csv',
    'checkpoint_summary.json',
    'checkpoint_progress.json',
  ].map((name) => join(folder, name)) as [string, string, string]
  await writeFileAtomic(files[0], csv)
  await writeFileAtomic(files[1], `${JSON.stringify(detailed, null, 2)}\n`)
  const progress = { completed_steps: sorted.map(({ cell }) => cell.step) }
  await writeFileAtomic(files[2], `${JSON.stringify(progress, null, 2)}\n`)
  return files
}

function summaryRow(resultsFolder: string, cell: Cell, { main }: CellMetrics) {
  const percent = (share: number | null) => (share === null ? null : share * 100)
  const incoherent = main.incoherent.estimate
  const adapter = cell.layers.find((layer) => layer.role === 'em')?.adapter
  return {
    avg_aligned: main.meanOfRows.aligned,
    avg_coherent: main.meanOfRows.coherent,
    misaligned_pct: percent(main.misaligned.estimate),
    coherent_pct: incoherent === null ? null : percent(1 - incoherent),
    em_pct: percent(main.em.estimate),
    total_evaluated: main.nBothScored,
    total_responses: main.nResponses,
    step: cell.step,
    checkpoint_path: adapter ?? cell.base,
    csv_path: join(resultsFolder, `${cell.output}_eval.csv`),
  }
}
