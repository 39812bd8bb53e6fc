import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { stringify } from 'csv-stringify/sync'
import { type RunName, type RunRow, runRows } from '../labels/run-rows.ts'
import { type AnalysedRun, readAnalysedRun } from '../report/collect-report.ts'
import { ignoreByGit } from '../report/ignore-by-git.ts'
import { readCompletions } from '../store/completions.ts'
import { RunStore } from '../store/run-store.ts'
import { answerRecords } from './answer-records.ts'
import { exportArrays } from './export-arrays.ts'
import { inspectEvalLog, inspectLogName } from './inspect-eval-log.ts'
import { comparisonRecords, metricRecords } from './metric-records.ts'

export const exportFormats = ['jsonl', 'csv', 'npz', 'inspect'] as const
export type ExportFormat = (typeof exportFormats)[number]

export interface ExportOptions extends RunName {
  readonly format: ExportFormat
  /** A folder; files of an earlier export in it are replaced. @default `export_<run>_<format>` in the results folder */
  readonly output?: string | undefined
}

export interface ExportedRun {
  readonly folder: string
  readonly files: readonly string[]
  readonly nAnswers: number
}

/**
 * Writes the answers and numbers of an analysed run for other programs. `jsonl` and `csv`: a file of answers, one of metrics (long
 * form), one of comparisons; `npz`: arrays over the answers; `inspect`: a log of Inspect AI for each cell. The folder gets a
 * `.gitignore`, since the answers may be harmful.
 *
 * @throws CemError `run-unknown`, `run-not-analysed`, `nothing-judged`, `rows-dropped`
 */
export async function exportRun({
  resultsFolder,
  run,
  format,
  output = join(resultsFolder, `export_${run}_${format}`),
}: ExportOptions): Promise<ExportedRun> {
  const store = new RunStore(resultsFolder, run)
  const analysed = await readAnalysedRun(store, run)
  const rows = await runRows({ resultsFolder, run, sets: ['main', 'inDomain', 'benign'] })
  await ignoreByGit(output)
  const files =
    format === 'inspect'
      ? await exportInspect(output, store, analysed, rows)
      : await exportTables(format, output, resultsFolder, analysed, rows)
  return { folder: output, files, nAnswers: rows.length }
}

async function exportTables(
  format: Exclude<ExportFormat, 'inspect'>,
  folder: string,
  resultsFolder: string,
  { analysis }: AnalysedRun,
  rows: readonly RunRow[],
): Promise<string[]> {
  const answers = answerRecords(rows, analysis.thresholds)
  if (format === 'npz') return exportArrays(folder, resultsFolder, answers, analysis)
  const write = format === 'jsonl' ? writeJsonl : writeCsv
  return [
    await write(join(folder, `answers.${format}`), answers),
    await write(join(folder, `metrics.${format}`), metricRecords(analysis)),
    await write(join(folder, `comparisons.${format}`), comparisonRecords(analysis)),
  ]
}

async function writeJsonl(path: string, records: readonly object[]): Promise<string> {
  await writeFileAtomic(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  return path
}

/** As the eval CSVs: UTF-8, all fields quoted; an empty field is an absence. */
async function writeCsv(path: string, records: readonly object[]): Promise<string> {
  const [first] = records
  const columns = first === undefined ? [] : Object.keys(first)
  const text = stringify([columns, ...records.map((record) => Object.values(record))], {
    quoted: true,
    quoted_empty: false,
    record_delimiter: 'unix',
    cast: { boolean: (value) => (value ? 'true' : 'false') },
  })
  await writeFileAtomic(path, columns.length === 0 ? '' : text)
  return path
}

async function exportInspect(
  folder: string,
  store: RunStore,
  { lock, analysis }: AnalysedRun,
  rows: readonly RunRow[],
): Promise<string[]> {
  const byCell = Map.groupBy(rows, ({ cell }) => cell.id)
  const files: string[] = []
  for (const cell of analysis.cells) {
    const own = byCell.get(cell.cell.id) ?? []
    const completions = await readCompletions(store, cell.cell.id)
    const log = inspectEvalLog({
      lock,
      cell,
      rows: own,
      completions,
      thresholds: analysis.thresholds,
    })
    const path = join(folder, inspectLogName(log))
    await writeFileAtomic(path, `${JSON.stringify(log, null, 1)}\n`)
    files.push(path)
  }
  return files
}
