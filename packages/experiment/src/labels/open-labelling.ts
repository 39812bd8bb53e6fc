import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import {
  blindName,
  drawLabelSample,
  type LabelFile,
  type LabelMetric,
  type LabelSample,
  openLabelFile,
} from '@cem/judge'
import { readOptionalJson } from '../store/read-json.ts'
import { RunStore } from '../store/run-store.ts'
import { type RunName, type RunRow, runRows } from './run-rows.ts'

export interface LabellingOptions extends RunName {
  /** Answers of each cell. @default 25, or those of the sample that was drawn before */
  readonly perCell?: number | undefined
  /** @default 0, or that of the sample that was drawn before */
  readonly seed?: number | undefined
  /** The checkpoints that answers are drawn from. @default the last one of each variant, or those of the sample before */
  readonly step?: number | 'all' | undefined
  /** Whose labels they are; each person has a file. @default nobody in particular */
  readonly labeller?: string | undefined
}

/** An answer to be labelled, without what would tell where it is from. */
export interface LabelTask {
  readonly item: string
  readonly question: string
  readonly answer: string
}

export interface Labelling extends AsyncDisposable {
  readonly path: string
  /** In the order in which they are shown. */
  readonly tasks: readonly LabelTask[]
  readonly metrics: readonly LabelMetric[]
  readonly file: LabelFile
}

/** `labels/sample.json` of a run's store: drawn once, so that work goes on with the same answers when cells are added to the run. */
interface StoredSample {
  readonly formatVersion: 1
  readonly seed: number
  readonly perCell: number
  readonly step: number | 'all' | 'last'
  readonly rows: readonly string[]
}

/** EM needs both. */
export const labelMetrics: readonly LabelMetric[] = [
  { name: 'aligned', least: 0, most: 100 },
  { name: 'coherent', least: 0, most: 100 },
]

/**
 * Draws answers of a run for people to label, at random within each cell and shuffled across cells, or goes on with those that
 * were drawn before, and opens the labeller's file.
 *
 * @throws CemError `label-sample-drawn` where another sample than the stored one is asked for, `bad-labeller`, and those of
 *   `runRows`, `drawLabelSample` and `openLabelFile`
 */
export async function openLabelling(options: LabellingOptions): Promise<Labelling> {
  const { resultsFolder, run, labeller } = options
  const path = labelPath(options)
  const rows = await runRows({ resultsFolder, run })
  const stored = await storedSample(options, rows)
  const byId = new Map(rows.map((row) => [row.id, row]))
  const tasks = stored.rows.map((id): LabelTask => {
    const row = byId.get(id)
    if (row === undefined) throw rowGone(id)
    return { item: blindName(id, stored.seed), question: row.wording, answer: row.answer }
  })
  const sample: LabelSample = {
    seed: stored.seed,
    perCondition: stored.perCell,
    items: stored.rows.map((row) => ({ item: blindName(row, stored.seed), row })),
    drawn: {},
  }
  const file = await openLabelFile(path, {
    sample,
    metrics: labelMetrics,
    ...(labeller === undefined ? {} : { labeller }),
  })
  return {
    path,
    tasks,
    metrics: labelMetrics,
    file,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  }
}

/**
 * Where a labeller's labels are.
 *
 * @throws CemError `bad-labeller`
 */
export function labelPath({
  resultsFolder,
  run,
  labeller,
}: RunName & { readonly labeller?: string | undefined }): string {
  if (labeller !== undefined && !/^[\w-][\w.-]*$/.test(labeller))
    throw new CemError({
      code: 'bad-labeller',
      message: `The labeller ${JSON.stringify(labeller)} cannot name a file: use letters, digits, dots, dashes and underscores.`,
      data: { labeller },
    })
  const name = labeller === undefined ? 'labels.jsonl' : `labels-${labeller}.jsonl`
  return join(labelsFolder({ resultsFolder, run }), name)
}

function labelsFolder({ resultsFolder, run }: RunName): string {
  return join(new RunStore(resultsFolder, run).folder, 'labels')
}

async function storedSample(
  options: LabellingOptions,
  rows: readonly RunRow[],
): Promise<StoredSample> {
  const folder = labelsFolder(options)
  const path = join(folder, 'sample.json')
  const found = (await readOptionalJson(path)) as StoredSample | undefined
  if (found !== undefined) {
    checkSame(found, options, path)
    return found
  }
  const { perCell = 25, seed = 0, step = 'last' } = options
  const chosen = rowsAt(rows, step)
  const drawn = drawLabelSample(
    chosen.map(({ id, cell }) => ({ id, condition: cell.id })),
    { perCondition: perCell, seed },
  )
  const sample: StoredSample = {
    formatVersion: 1,
    seed,
    perCell,
    step,
    rows: drawn.items.map(({ row }) => row),
  }
  await mkdir(folder, { recursive: true })
  await writeFileAtomic(path, `${JSON.stringify(sample, null, 2)}\n`)
  return sample
}

/** The answers of the checkpoints asked for; the base's too under `all`. */
function rowsAt(rows: readonly RunRow[], step: StoredSample['step']): readonly RunRow[] {
  if (step === 'all') return rows
  const lastOf = new Map<string, number>()
  for (const { cell } of rows)
    lastOf.set(cell.variant, Math.max(cell.step, lastOf.get(cell.variant) ?? 0))
  const chosen = rows.filter(
    ({ cell }) =>
      cell.kind === 'checkpoint' &&
      cell.step === (step === 'last' ? lastOf.get(cell.variant) : step),
  )
  // A run of the base alone.
  if (chosen.length === 0 && step === 'last') return rows
  if (chosen.length === 0)
    throw new CemError({
      code: 'bad-sample',
      message: `No judged checkpoint has step ${step}; there are ${[...new Set(rows.map(({ cell }) => cell.step))].join(', ')}.`,
      data: { step },
    })
  return chosen
}

function checkSame(found: StoredSample, asked: LabellingOptions, path: string): void {
  const { perCell = found.perCell, seed = found.seed, step = found.step } = asked
  if (perCell === found.perCell && seed === found.seed && step === found.step) return
  throw new CemError({
    code: 'label-sample-drawn',
    message: `The answers to label were drawn before, with ${found.perCell} of each cell, seed ${found.seed}, step ${found.step}. Labels of two samples would not belong together: leave those flags out to go on, or move ${path} and the label files beside it away to draw anew.`,
    data: { path },
  })
}

function rowGone(id: string): CemError {
  return new CemError({
    code: 'rows-dropped',
    message: `The answer ${id} was drawn to be labelled and is not in the run any more. Move the run's folder labels away to draw anew.`,
    data: { row: id },
  })
}
