import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { openActivationSet } from '@cem/activations'
import { CemError, messageOf } from '@cem/core'
import { checkConfig, type LoadedConfig } from '../config/load-config.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { analyseUnit } from '../plan/units.ts'
import { ignoreByGit } from '../report/ignore-by-git.ts'
import { type WrittenReport, writeReport } from '../report/write-report.ts'
import type { Analysis } from '../run/analyse.ts'
import { analyseStored } from '../run/analyse-stored.ts'
import { softwareVersions } from '../run/build-lock.ts'
import { writeAlarms } from '../store/alarms-file.ts'
import { type Lock, readLock, writeLock } from '../store/lock.ts'
import { writeRunConfig } from '../store/run-config.ts'
import { RunStore } from '../store/run-store.ts'
import { type JudgedRecord, writeJudged } from '../store/verdicts.ts'
import { readEvalCsv } from '../study/eval-csv.ts'
import { checkImport } from './check-import.ts'
import { type FoundCell, type FoundResults, findResults, runNameOf } from './find-results.ts'
import { importedCell, importedRecords } from './import-cells.ts'
import { recordedBases, statedFacts, unknownFacts } from './stated-facts.ts'
import { describeFile, type TakenFile, takeFile } from './take-files.ts'
import { unevenRows } from './uneven-rows.ts'

export interface ImportOptions {
  /** A results folder of the Python pipeline, or of this program; it is not changed. */
  readonly from: string
  /** Where the run goes: another folder. */
  readonly resultsFolder: string
  /** @default `imported_<name of the folder>` */
  readonly run?: string | undefined
  /** A variant config, which says what base and variants are. @default unknown */
  readonly stated?: LoadedConfig | undefined
  /** The variant that differences and the direction start from. @default the config's, else none */
  readonly baseline?: string | undefined
}

export interface ImportedRun {
  readonly run: string
  readonly resultsFolder: string
  readonly nCells: number
  readonly nAnswers: number
  readonly analysis: Analysis
  readonly report: WrittenReport
}

/**
 * Makes a run from the files of another program: rates, comparisons, direction, figures and report as of any run. What the files
 * do not say stays unknown, and nothing of it counts as evidence of protection.
 *
 * @throws CemError `results-not-found`, `import-in-place`, `run-exists`, `import-would-overwrite`, `variant-unknown`,
 *   `eval-csv-invalid`
 */
export async function importResults(options: ImportOptions): Promise<ImportedRun> {
  const { run = runNameOf(options.from), stated } = options
  const [from, resultsFolder] = [resolve(options.from), resolve(options.resultsFolder)]
  const store = new RunStore(resultsFolder, run)
  await checkTarget(from, resultsFolder, store)
  const found = await findResults(from)
  checkBaseline(options.baseline, found)
  await ignoreByGit(resultsFolder)
  const taken = await takeCells(from, resultsFolder, found, stated)
  for (const { cell, records } of taken.cells) await writeJudged(store, cell.id, records)
  const facts = await statedFacts(from, found, stated)
  const lock = makeLock({ run, taken, facts, unknown: unknownFacts(stated) })
  const config = configOf(options, found)
  await writeRunConfig(store, config)
  await writeLock(store, lock)
  const alarms = [unrecordedAlarm(taken.cells.map(({ cell }) => cell)), ...taken.alarms].flat()
  const analysis = await analyseStored({
    resultsFolder,
    run,
    config,
    audit: [],
    standing: alarms,
    notes: async (computed) => [
      ...baselineNote(config),
      ...(await checkImport(from, found, computed, resultsFolder)),
    ],
  })
  const report = await writeReport({ resultsFolder, run })
  await recordEvents(store, run, analysis)
  const nAnswers = taken.cells.reduce((sum, { records }) => sum + records.length, 0)
  return { run, resultsFolder, nCells: taken.cells.length, nAnswers, analysis, report }
}

async function checkTarget(from: string, resultsFolder: string, store: RunStore): Promise<void> {
  if (from === resultsFolder)
    throw new CemError({
      code: 'import-in-place',
      message: `${from} would be imported into itself, and its summaries and figures replaced. Name another folder with --results.`,
      data: { folder: from },
    })
  if ((await readLock(store)) === undefined) return
  throw new CemError({
    code: 'run-exists',
    message: `There is a run in ${store.folder} already. Give the imported one another name with --name.`,
    data: { folder: store.folder },
  })
}

function checkBaseline(baseline: string | undefined, { cells }: FoundResults): void {
  const known = [
    ...new Set(cells.filter(({ kind }) => kind === 'checkpoint').map((c) => c.variant)),
  ]
  if (baseline === undefined || known.includes(baseline)) return
  throw new CemError({
    code: 'variant-unknown',
    message: `The baseline '${baseline}' is no variant of these results. They have ${known.join(', ') || 'none'}.`,
    data: { baseline, known },
  })
}

interface TakenCells {
  readonly cells: readonly { readonly cell: Cell; readonly records: readonly JudgedRecord[] }[]
  readonly files: readonly TakenFile[]
  readonly alarms: readonly RunWarning[]
}

/** Takes the files over, and reads them; summaries and the direction are hashed where they are, and computed anew here. */
async function takeCells(
  from: string,
  resultsFolder: string,
  { cells, summaries, direction }: FoundResults,
  stated: LoadedConfig | undefined,
): Promise<TakenCells> {
  const bases = await recordedBases(from, cells)
  const taken: { cell: Cell; records: JudgedRecord[] }[] = []
  const files: TakenFile[] = []
  const alarms: RunWarning[] = []
  for (const found of cells) {
    const cell = importedCell(found, { stated, recordedBase: bases.get(found.stem) })
    const records: JudgedRecord[] = []
    for (const { set, path } of found.csvs) {
      const rows = await readEvalCsv(resolve(from, path))
      files.push(await takeFile(from, resultsFolder, path))
      records.push(...importedRecords(rows, set))
    }
    for (const path of found.metadata) files.push(await takeFile(from, resultsFolder, path))
    const problem = await activationProblem(from, found, records)
    if (problem !== undefined)
      alarms.push({ code: 'rows-dropped', message: problem, cells: [cell.id] })
    else
      for (const path of activationFiles(from, found))
        files.push(await takeFile(from, resultsFolder, path))
    taken.push({ cell, records })
  }
  for (const path of [...summaries.values(), ...(direction === undefined ? [] : [direction])])
    files.push(await describeFile(from, path))
  return { cells: taken, files, alarms: [...alarms, ...unevenRows(taken)] }
}

/** An activation set, and what stands beside it. */
function activationFiles(from: string, { activations }: FoundCell): string[] {
  if (activations === undefined) return []
  const beside = activations.replace(/npz$/, 'json')
  return [activations, ...(existsSync(resolve(from, beside)) ? [beside] : [])]
}

/** Activations whose rows are not those of the CSV are of other answers. */
async function activationProblem(
  from: string,
  { activations, variant, step }: FoundCell,
  records: readonly JudgedRecord[],
): Promise<string | undefined> {
  if (activations === undefined) return undefined
  const planned = records.filter(({ set }) => set === 'main').length
  const left = `The activations of ${variant} at step ${step} were not imported:`
  try {
    await using set = await openActivationSet(resolve(from, activations))
    if (set.shape.nRows === planned) return undefined
    return `${left} ${activations} has ${set.shape.nRows} rows, and the CSV ${planned} answers.`
  } catch (error) {
    return `${left} ${messageOf(error)}`
  }
}

function makeLock({
  run,
  taken,
  facts,
  unknown,
}: {
  readonly run: string
  readonly taken: TakenCells
  readonly facts: readonly string[]
  readonly unknown: readonly string[]
}): Lock {
  const importedAt = new Date().toISOString()
  const records = taken.cells.flatMap((one) => one.records)
  const sets = [...Map.groupBy(records, ({ set }) => set)]
  return {
    formatVersion: 1,
    run,
    createdAt: importedAt,
    software: softwareVersions(),
    sampling: null,
    questions: sets.map(([set, own]) => ({
      set,
      files: [],
      ids: [...new Set(own.map(({ question }) => question))],
      leftOut: [],
    })),
    judge: null,
    activations: null,
    cells: Object.fromEntries(taken.cells.map(({ cell }) => [cell.id, { cell }])),
    imported: { importedAt, files: taken.files, unknown, stated: facts },
  }
}

/** Thresholds and settings of the analysis: the config's, or the defaults. Sampling and judge of it are in use nowhere. */
function configOf({ stated, baseline }: ImportOptions, { cells }: FoundResults): ExperimentConfig {
  const config = stated?.config ?? checkConfig({ base_model: 'unknown' }).config
  const hasInDomain = cells.some(({ csvs }) => csvs.some(({ set }) => set === 'inDomain'))
  return {
    ...config,
    direction: { ...config.direction, ...(baseline === undefined ? {} : { baseline }) },
    questions: { ...config.questions, inDomain: hasInDomain ? ['imported'] : [] },
    activations: config.activations === false ? false : { layers: 'all', span: 'content' },
  }
}

function unrecordedAlarm(cells: readonly Cell[]): RunWarning[] {
  const checkpoints = cells.filter(({ kind }) => kind === 'checkpoint').map(({ id }) => id)
  if (checkpoints.length === 0) return []
  return [
    {
      code: 'persona-unrecorded',
      message: `For ${checkpoints.length} imported cells nothing says whether a persona was active, in training or when the answers were drawn. No difference between them is evidence of protection.`,
      cells: checkpoints,
    },
  ]
}

function baselineNote({ direction, variants }: ExperimentConfig): RunWarning[] {
  const isKnown =
    direction.baseline !== undefined || variants.some(({ type }) => type === 'baseline')
  if (isKnown) return []
  return [
    {
      code: 'imported',
      message:
        'Nothing says which variant is the baseline, so nothing is compared and there is no direction. Import with --baseline NAME, or with --config and the variant config.',
      cells: [],
    },
  ]
}

/** What screens and `cem watch` fold. */
async function recordEvents(store: RunStore, run: string, analysis: Analysis): Promise<void> {
  const cells = analysis.cells.map(({ cell }) => cell)
  const { comparisons, matchedComparisons, family, similarity, alarms, warnings, files } = analysis
  const units = [{ id: analyseUnit, phase: 'analyse' as const, cell: null }]
  await store.record({ type: 'run-start', run, storeFolder: store.folder, cells, units, done: [] })
  for (const warning of [...alarms, ...warnings]) await store.record({ type: 'warning', warning })
  for (const { cell, metrics } of analysis.cells)
    await store.record({ type: 'cell-metrics', cell: cell.id, metrics })
  await store.record({
    type: 'statistics',
    comparisons: [...comparisons, ...matchedComparisons],
    family,
    similarity,
  })
  await writeAlarms(store, { alarms, composition: [] })
  await store.record({ type: 'run-end', outcome: 'complete', files, remaining: 0, alarms })
  await store.close()
}
