import { join, relative } from 'node:path'
import { ActivationScratch, extractMeans, writeActivationSet } from '@cem/activations'
import { CemError, type JsonLinesWriter } from '@cem/core'
import {
  type Completion,
  type Composition,
  type Device,
  type Intervention,
  interventionsRecord,
  type Model,
} from '@cem/inference'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import { type PlannedRow, plannedRows, promptsOf, type QuestionSet } from '../plan/question-sets.ts'
import {
  type CompletionRecord,
  checkPrecision,
  completionsFolder,
  readCompletions,
  rowKey,
} from '../store/completions.ts'
import type { RunContext } from './context.ts'

export interface GenerateCellOptions {
  readonly context: RunContext
  readonly cell: Cell
  readonly unit: string
  readonly model: Model
  readonly composition: Composition
  /** The largest number of answers in progress at once, below what the config says. */
  readonly batchLimit?: number | undefined
  /** What is done to the states; such a cell keeps no activations. @default nothing */
  readonly interventions?: readonly Intervention[] | undefined
}

export interface GeneratedCell {
  /** Files of the results folder. */
  readonly files: readonly string[]
  readonly nResponses: number
  readonly nEmpty: number
}

/** How often what was written is forced to the disk. */
const syncIntervalInMs = 1000

/**
 * Draws the answers of a cell that are not there yet, each stored as it comes, and writes the activation set when all are.
 *
 * @throws CemError those of `Model.generate`, `file-write-failed`, `interventions-mixed`; `signal.reason`
 */
export async function generateCell(options: GenerateCellOptions): Promise<GeneratedCell> {
  const { context, cell, unit, composition } = options
  const { config } = context.loaded
  const planned = context.sets.flatMap((set) => plannedRows(set, samples(config)))
  const done = await readCompletions(context.store, cell.id)
  checkPrecision(done.values(), config.precision, cell.id)
  checkInterventions(done.values(), options)
  const missing = planned.filter((row) => !done.has(rowKey(row)))
  await context.record({
    type: 'unit-start',
    unit,
    total: planned.length,
    done: planned.length - missing.length,
  })
  await using activations = await openActivations(options, done)
  await using ledger = await context.store.openLedger(completionsFolder(context.store, cell.id))
  if (missing.length > 0) await drawMissing(options, planned.length, missing, ledger, activations)
  await ledger.sync()
  const all = await readCompletions(context.store, cell.id)
  const main = planned.filter((row) => row.set === 'main')
  const nEmpty = main.filter((row) => all.get(rowKey(row))?.tokenIds.length === 0).length
  const files = await activations.finish(nEmpty, (await composition.record()).sha256)
  return { files, nResponses: planned.length, nEmpty }
}

/** Refuses to add to answers of other interventions: the direction was made anew from something else. */
function checkInterventions(
  records: Iterable<CompletionRecord>,
  { cell, interventions = [] }: GenerateCellOptions,
): void {
  const { sha256 } = interventionsRecord(interventions)
  for (const { interventionsSha256 = null } of records)
    if (interventionsSha256 !== sha256)
      throw new CemError({
        code: 'interventions-mixed',
        message: `The cell ${cell.id} holds answers under other interventions than those of its direction now. Give the run another name, or compute it anew with --restart-changed.`,
        data: { cell: cell.id, stored: interventionsSha256, expected: sha256 },
      })
}

async function drawMissing(
  { context, cell, unit, model, batchLimit, interventions }: GenerateCellOptions,
  total: number,
  missing: readonly PlannedRow[],
  ledger: JsonLinesWriter,
  activations: CellActivations,
): Promise<void> {
  const { config } = context.loaded
  const setOf = questionSetOf(context.sets)
  const before = total - missing.length
  const start = performance.now()
  let lastSync = start
  let done = before
  const splits: Promise<void>[] = []
  const completions = model.generate({
    prompts: promptsFor(context.sets, config, missing),
    temperature: config.sampling.temperature,
    maxNewTokens: config.sampling.maxNewTokens,
    seed: config.sampling.seed,
    replicate: replicateOf(cell),
    ...batchSizeOf(config, batchLimit),
    ...activations.capture,
    ...(interventions === undefined ? {} : { interventions }),
    onBatchSplit: ({ requested, used, neededBytes }) => {
      splits.push(
        context.record({
          type: 'warning',
          warning: {
            code: 'batch-split',
            message: `sampling.batchSize is ${requested}, which would take about ${(neededBytes / 2 ** 30).toFixed(1)} GiB: ${used} answers are drawn at once instead. On the CPU in 32-bit floats the answers are the same.`,
            cells: [cell.id],
          },
        }),
      )
    },
    signal: context.signal,
    onProgress: ({ nTokens }) => {
      const seconds = (performance.now() - start) / 1000
      const tokensPerSecond = seconds > 0 ? nTokens / seconds : null
      context.report({ type: 'unit-progress', unit, total, done, tokensPerSecond, judge: null })
    },
  })
  for await (const completion of completions) {
    await context.gate()
    const set = setOf.get(completion.promptId) ?? 'main'
    const row = { set, question: completion.promptId, ...pick(completion) }
    // The activations first: an answer in the ledger is one whose row is on disk.
    await activations.write(row, completion)
    await ledger.append(completionRecord(row, completion, config, cell, model.device))
    done += 1
    if (performance.now() - lastSync < syncIntervalInMs) continue
    await ledger.sync()
    lastSync = performance.now()
  }
  await Promise.all(splits)
}

/** Nothing where the model is to choose by its memory. */
function batchSizeOf({ sampling }: ExperimentConfig, limit: number | undefined) {
  const sizes = [sampling.batchSize, limit].filter((size) => size !== undefined)
  return sizes.length === 0 ? {} : { batchSize: Math.min(...sizes) }
}

function pick({ paraphrase, sample }: Completion) {
  return { paraphrase, sample }
}

function completionRecord(
  row: PlannedRow,
  { promptTokenIds, tokenIds, text, finishReason, interventionsSha256 }: Completion,
  { sampling, precision }: ExperimentConfig,
  cell: Cell,
  { provider, name: device }: Device,
): CompletionRecord {
  const { seed } = sampling
  return {
    ...row,
    seed,
    replicate: replicateOf(cell),
    promptTokenIds,
    tokenIds,
    text,
    finishReason,
    provider,
    device,
    ...(precision === 'f32' ? {} : { precision }),
    ...(interventionsSha256 === null ? {} : { interventionsSha256 }),
  }
}

function samples({ sampling }: ExperimentConfig): number | undefined {
  return sampling.samplesPerQuestion
}

function questionSetOf(sets: readonly QuestionSet[]): ReadonlyMap<string, QuestionSet['name']> {
  return new Map(sets.flatMap((set) => set.questions.map(({ id }) => [id, set.name] as const)))
}

/** Prompts with the samples that are still missing. */
function promptsFor(
  sets: readonly QuestionSet[],
  config: ExperimentConfig,
  missing: readonly PlannedRow[],
) {
  const wanted = new Map<string, number[]>()
  for (const { question, paraphrase, sample } of missing) {
    const key = JSON.stringify([question, paraphrase])
    wanted.set(key, [...(wanted.get(key) ?? []), sample])
  }
  return sets.flatMap((set) =>
    promptsOf(set, samples(config)).flatMap((prompt) => {
      const indices = wanted.get(JSON.stringify([prompt.id, prompt.paraphrase]))
      return indices === undefined ? [] : [{ ...prompt, samples: indices }]
    }),
  )
}

/** Where a cell's activations go while it is generated; nothing where the config wants none. */
interface CellActivations extends AsyncDisposable {
  readonly capture: {
    readonly capture?: {
      layers: readonly number[]
      spans: readonly ['content'] | readonly ['turn']
    }
  }
  write(row: PlannedRow, completion: Completion): Promise<void>
  finish(nEmpty: number, compositionSha256: string): Promise<readonly string[]>
}

async function openActivations(
  options: GenerateCellOptions,
  done: ReadonlyMap<string, CompletionRecord>,
): Promise<CellActivations> {
  const { context, cell, model } = options
  const { activations, sampling } = context.loaded.config
  if (activations === false || options.interventions !== undefined)
    return {
      capture: {},
      write: async () => undefined,
      finish: async () => [],
      [Symbol.asyncDispose]: async () => undefined,
    }
  const { span } = activations
  const layers = layersOf(activations.layers, model.architecture.nLayers)
  const rows = context.sets
    .filter((set) => set.name === 'main')
    .flatMap((set) => plannedRows(set, sampling.samplesPerQuestion))
  const indices = new Map(rows.map((row, i) => [rowKey(row), i]))
  const scratch = await ActivationScratch.open(
    join(context.store.cellFolder(cell.id), 'activations.rows'),
    { nRows: rows.length, layers, dModel: model.architecture.dModel },
  )
  try {
    if (scratch.isNew) await extractAgain(options, scratch, indices, done, layers)
  } catch (error) {
    await scratch[Symbol.asyncDispose]()
    throw error
  }
  return {
    capture: { capture: { layers, spans: span === 'content' ? ['content'] : ['turn'] } },
    write: async (row, completion) => {
      const index = indices.get(rowKey(row))
      const means = completion.activations?.[span]
      if (index !== undefined && means) await scratch.writeRow(index, means)
    },
    finish: async (nEmpty, compositionSha256) => {
      await scratch.sync()
      const { resultsFolder } = context.loaded
      const path = join(resultsFolder, `${cell.output}_activations.npz`)
      await writeActivationSet(path, scratch, {
        csv_path: join(resultsFolder, `${cell.output}_eval.csv`),
        partial: false,
        empty_responses: nEmpty,
        span,
        composition_sha256: compositionSha256,
        precision: context.loaded.config.precision,
      })
      await scratch.remove()
      return [relative(resultsFolder, path)]
    },
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  }
}

/** Answers are there and their activations are not (the file was removed): a teacher-forced pass over the stored ids. */
async function extractAgain(
  { context, model }: GenerateCellOptions,
  scratch: ActivationScratch,
  indices: ReadonlyMap<string, number>,
  done: ReadonlyMap<string, CompletionRecord>,
  layers: readonly number[],
): Promise<void> {
  const { activations } = context.loaded.config
  const span = activations === false ? 'content' : activations.span
  const stored = [...done].filter(([key]) => indices.has(key))
  const responses = stored.map(([, record]) => record)
  const extracted = extractMeans({
    model,
    responses,
    layers,
    spans: [span],
    signal: context.signal,
  })
  for await (const { index, means } of extracted) {
    const [key] = stored[index] as (typeof stored)[number]
    await scratch.writeRow(indices.get(key) as number, means[span] as Float32Array)
  }
}

function layersOf(layers: 'all' | readonly number[], nLayers: number): readonly number[] {
  return layers === 'all' ? Array.from({ length: nLayers }, (_, i) => i) : layers
}

/** The training seed is part of the noise's key: without one there are no draws to repeat. */
function replicateOf({ id, trainingSeed }: Cell): number {
  if (trainingSeed !== null) return trainingSeed
  throw new CemError({
    code: 'run-imported',
    message: `${id} was imported and its training seed is not known: no answers can be drawn for it.`,
    data: { cell: id },
  })
}
