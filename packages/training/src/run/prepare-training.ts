import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Composition,
  compose,
  identifyFile,
  licenseOfCard,
  organismReason,
} from '@cem/inference'
import { loraModules } from '../adapters/lora-method.ts'
import { randomModel } from '../adapters/random-model.ts'
import { stepsPerEpoch } from '../batches/batch-order.ts'
import { adapterConfig, loraMethod } from '../checkpoints/adapter-config.ts'
import { type CheckpointRecord, recordFile } from '../checkpoints/checkpoint-record.ts'
import { weightsNames } from '../checkpoints/write-checkpoint.ts'
import type { Example } from '../data/example.ts'
import { type LoadedData, loadData } from '../data/load-data.ts'
import { splitBySeed } from '../data/split.ts'
import { type Tokenized, tokenize } from '../data/tokenize.ts'
import { type ScheduleOptions, warmupStepsOf } from '../schedule/learning-rate.ts'
import { baseName } from './base-name.ts'
import { invalid, type ResolvedOptions, scheduleOf } from './resolve-options.ts'

/** Everything that is known before the first step. */
export interface PreparedTraining {
  readonly options: ResolvedOptions
  readonly composition: Composition
  readonly data: LoadedData
  readonly training: Tokenized
  /** What is held out; null where nothing is. */
  readonly evaluation: Tokenized | null
  readonly nSteps: number
  readonly schedule: ScheduleOptions
  /** Ascending; the last is `nSteps`. */
  readonly checkpoints: readonly number[]
  readonly record: Omit<CheckpointRecord, 'step'>
  /** adapter_config.json; null where the whole model is trained. */
  readonly adapterConfig: Readonly<Record<string, unknown>> | null
  /** Everything that decides the weights, as plain data: a training goes on under the same one alone. */
  readonly lock: Readonly<Record<string, unknown>>
}

/**
 * Opens the base and the persona, reads and tokenises the data, and lays the steps out.
 *
 * @throws CemError those of `compose`, `loadData` and `tokenize`; `invalid-request`
 */
export async function prepareTraining(options: ResolvedOptions): Promise<PreparedTraining> {
  const { given, objective, batchSize, seeds } = options
  const composition = await composeTraining(options)
  const { tokenizer, architecture } = composition.base
  // Before anything is written: targets that match no module.
  if (options.method === 'lora') loraModules(loraMethod(given.lora ?? {}), architecture)
  const data: LoadedData = await loadData({
    sources: given.data,
    kinds: objective === 'dpo' ? ['preference'] : ['conversation', 'document'],
    seed: seeds.split,
    ...(given.dataRoot === undefined ? {} : { root: given.dataRoot }),
  })
  const parts = splitBySeed<Example>(data.examples, given.evaluationShare ?? 0, seeds.split)
  if (parts.training.length === 0)
    throw invalid(`evaluationShare holds all ${data.examples.length} examples out`)
  const tokens = { ...options.tokens, maxTokens: longestOf(options, composition), tokenizer }
  const training = tokenize(parts.training, tokens)
  const evaluation = parts.evaluation.length === 0 ? null : tokenize(parts.evaluation, tokens)
  const perEpoch = stepsPerEpoch(training.examples.length, batchSize)
  const nSteps = given.steps ?? Math.max(1, Math.ceil((given.epochs ?? 1) * perEpoch - 1e-9))
  const schedule = scheduleOf(options, nSteps)
  const record = await recordOf(options, composition, data)
  const checkpoints = checkpointsOf(options, nSteps)
  const lock = await lockOf({
    options,
    maxTokens: tokens.maxTokens,
    composition,
    data,
    nSteps,
    schedule,
    record,
  })
  return {
    options,
    composition,
    data,
    training,
    evaluation,
    nSteps,
    schedule,
    checkpoints,
    record,
    adapterConfig:
      options.method === 'full'
        ? null
        : adapterConfig(given.lora ?? {}, baseName(composition.base)),
    lock,
  }
}

/** No sequence is longer than the model has positions, whatever the default is. */
function longestOf({ given, tokens }: ResolvedOptions, { base }: Composition): number {
  const { maxPositions } = base.architecture
  if (given.maxTokens !== undefined && given.maxTokens > maxPositions)
    throw invalid(`maxTokens is ${given.maxTokens}, and the model has ${maxPositions} positions`)
  return Math.min(tokens.maxTokens, maxPositions)
}

async function composeTraining({ given, cache, seeds }: ResolvedOptions): Promise<Composition> {
  const { persona, baseAliases, signal } = given
  const base = given.randomWeights
    ? await randomModel({ from: given.base, seed: seeds.initialisation, cache })
    : given.base
  const layers =
    persona === undefined
      ? []
      : [{ role: 'persona' as const, ...persona, ...(await recordedBase(persona.adapter)) }]
  return compose({ base, layers, baseAliases: baseAliases ?? [], cache, signal })
}

/** The base that an adapter's own record names by hash: it settles what the adapter was trained on. */
async function recordedBase(adapter: string) {
  const path = join(adapter, recordFile)
  if (!existsSync(path)) return {}
  const { baseSha256 } = JSON.parse(await readFile(path, 'utf8')) as Partial<CheckpointRecord>
  return baseSha256 === undefined ? {} : { baseSha256 }
}

function checkpointsOf({ given }: ResolvedOptions, nSteps: number): number[] {
  const { checkpoints = [], saveSteps } = given
  const late = checkpoints.find((step) => step > nSteps)
  if (late !== undefined)
    throw invalid(`checkpoints holds ${late}, and the training has ${nSteps} steps`)
  const multiples =
    saveSteps === undefined
      ? []
      : Array.from({ length: Math.floor(nSteps / saveSteps) }, (_, i) => (i + 1) * saveSteps)
  return [...new Set([...checkpoints, ...multiples, nSteps])].toSorted((a, b) => a - b)
}

async function recordOf(
  { given, objective, method, seed, seeds }: ResolvedOptions,
  composition: Composition,
  data: LoadedData,
): Promise<Omit<CheckpointRecord, 'step'>> {
  const { base } = await composition.record()
  const [persona] = composition.layers
  const harmful = data.sources.find((source) => source.harmful)
  const organism =
    harmful === undefined
      ? ((await organismReason(composition)) ?? (await initialOrganism(given.initialFrom)))
      : `its data ${shortName(harmful.path)} is declared harmful`
  return {
    formatVersion: 1,
    base: given.randomWeights
      ? `random weights (${shortName(given.base)}, seed ${seeds.initialisation})`
      : baseName(composition.base),
    baseSha256: Object.fromEntries(base.files.map(({ name, sha256 }) => [name, sha256])),
    baseLicense: (await licenseOfCard(composition.base.folder)) ?? null,
    personaInTraining: persona?.mode ?? 'none',
    persona: persona ? { path: 'constitutional', sha256: persona.adapter.sha256 } : null,
    initialFrom: given.initialFrom === undefined ? null : await initialOf(given.initialFrom),
    objective,
    parameters: method,
    trainingSeed: seed,
    dataset: given.data.map(({ path }) => shortName(path).replace(/\.jsonl$/, '')).join('+'),
    datasetSha256: data.sha256,
    data: data.sources,
    organism: organism ?? null,
  }
}

/** An adapter that goes on from an organism is one. */
async function initialOrganism(path: string | undefined): Promise<string | undefined> {
  if (path === undefined || !existsSync(join(path, 'README.md'))) return undefined
  const card = await readFile(join(path, 'README.md'), 'utf8')
  return /misaligned[-_ ]organism/i.test(card)
    ? `the card of the adapter that it goes on from, ${shortName(path)}, says so`
    : undefined
}

async function initialOf(path: string) {
  const file = join(path, weightsNames.lora)
  if (!existsSync(file))
    throw invalid(`initialFrom names ${path}, which holds no ${weightsNames.lora}`)
  return { path: shortName(path), sha256: (await identifyFile(file)).sha256 }
}

interface LockParts {
  readonly options: ResolvedOptions
  readonly maxTokens: number
  readonly composition: Composition
  readonly data: LoadedData
  readonly nSteps: number
  readonly schedule: ScheduleOptions
  readonly record: Omit<CheckpointRecord, 'step'>
}

async function lockOf(parts: LockParts) {
  const { options, maxTokens, composition, data, nSteps, schedule, record } = parts
  const { given, objective, method, tokens, batchSize, microBatchTokens, order } = options
  const { optimizer, dpo, seeds } = options
  const { sha256 } = await composition.record()
  // As JSON has it, without what is undefined: it is compared with what a file holds.
  return JSON.parse(
    JSON.stringify({
      objective,
      method,
      compositionSha256: sha256,
      persona: record.personaInTraining,
      personaSha256: record.persona?.sha256 ?? null,
      initialFromSha256: record.initialFrom?.sha256 ?? null,
      dataSha256: data.sha256,
      evaluationShare: given.evaluationShare ?? 0,
      tokens: { ...tokens, maxTokens },
      nSteps,
      batchSize,
      microBatchTokens,
      order,
      schedule: { ...schedule, warmupSteps: warmupStepsOf(schedule), warmupRatio: undefined },
      optimizer,
      dpo,
      lora: method === 'lora' ? (given.lora ?? {}) : null,
      seeds,
      dtype: given.dtype ?? 'F32',
    }),
  ) as Readonly<Record<string, unknown>>
}

/** The end of a path: where a file lies on one machine says nothing on another. */
function shortName(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? path
}
