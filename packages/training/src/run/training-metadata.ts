import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'
import type { TrainingDevice } from '../trainer/trainer.ts'
import type { PreparedTraining } from './prepare-training.ts'

export const metadataFile = 'training_metadata.json'

/** A process that made steps of a training. */
export interface TrainingProcess {
  readonly begunAt: string
  /** The step that it went on from. */
  readonly fromStep: number
  /** Null where the trainer does not say. */
  readonly device: TrainingDevice | null
  readonly threads: number
  readonly versions: Readonly<Record<string, string>>
}

/** What a later process reads of training_metadata.json. */
export interface SavedMetadata {
  readonly lock: Readonly<Record<string, unknown>>
  readonly status: 'running' | 'complete'
  /** All that took part, the last one last. Bits are promised of one machine with one number of threads. */
  readonly processes?: readonly TrainingProcess[]
}

/** This process, as it begins after a step. */
export function trainingProcess(
  { options }: PreparedTraining,
  { fromStep, device }: { readonly fromStep: number; readonly device: TrainingDevice | null },
): TrainingProcess {
  const threads = options.given.threads ?? availableParallelism()
  return { begunAt: new Date().toISOString(), fromStep, device, threads, versions: versions() }
}

/**
 * training_metadata.json of a training's folder, or undefined where it has none that this package wrote.
 *
 * @throws CemError `training-metadata-invalid`
 */
export async function readMetadata(folder: string): Promise<SavedMetadata | undefined> {
  const path = join(folder, metadataFile)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw invalid(path, error)
  }
  try {
    const value = JSON.parse(text) as Partial<SavedMetadata>
    return value.lock === undefined ? undefined : (value as SavedMetadata)
  } catch (error) {
    throw invalid(path, error)
  }
}

/** Writes what was trained on what, with hashes, seeds, licences and versions. */
export async function writeMetadata(
  prepared: PreparedTraining,
  status: SavedMetadata['status'],
  processes: readonly TrainingProcess[],
): Promise<void> {
  const { options, record, training, evaluation, checkpoints, nSteps, lock, adapterConfig } =
    prepared
  const { seeds } = options
  const last = processes.at(-1)
  const metadata = {
    formatVersion: 1,
    variant: options.name,
    status,
    base_model: record.base,
    base_sha256: record.baseSha256,
    base_license: record.baseLicense,
    tokenizer_sha256: prepared.composition.base.tokenizer.sha256,
    persona: record.persona,
    persona_in_training: record.personaInTraining,
    initial_from: record.initialFrom,
    objective: record.objective,
    parameters: record.parameters,
    // With PEFT's names.
    lora: adapterConfig && {
      r: adapterConfig['r'],
      lora_alpha: adapterConfig['lora_alpha'],
      use_rslora: adapterConfig['use_rslora'],
      target_modules: adapterConfig['target_modules'],
    },
    dataset: record.dataset,
    dataset_sha256: record.datasetSha256,
    data: record.data,
    training_data: training.report,
    evaluation_data: evaluation?.report ?? null,
    seed: options.seed,
    seeds,
    steps: nSteps,
    checkpoint_steps: checkpoints,
    misaligned_organism: record.organism !== null,
    misaligned_organism_reason: record.organism,
    threads: last?.threads ?? null,
    versions: last?.versions ?? versions(),
    device: last?.device?.provider ?? null,
    processor: last?.device?.name ?? null,
    processes,
    lock,
  }
  const path = join(options.folder, metadataFile)
  await writeFileAtomic(path, `${JSON.stringify(metadata, null, 2)}\n`)
}

function versions(): Readonly<Record<string, string>> {
  const require = createRequire(import.meta.url)
  const { version } = require('@cem/training/package.json') as { version: string }
  const runtime = require('onnxruntime-node/package.json') as { version: string }
  return {
    '@cem/training': version,
    'onnxruntime-node': runtime.version,
    node: process.versions.node,
  }
}

function invalid(path: string, error: unknown): CemError {
  return new CemError({
    code: 'training-metadata-invalid',
    message: `${path} cannot be read: ${messageOf(error)}. Restore it, or give another output folder.`,
    data: { path },
    cause: error,
  })
}
