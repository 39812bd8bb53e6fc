import { existsSync } from 'node:fs'
import { copyFile, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CemError, writeFileAtomic } from '@cem/core'
import { newFolder } from '@cem/inference'
import { lastResumable, removeUnfinished } from '../checkpoints/read-checkpoint.ts'
import { trainingCard } from '../checkpoints/training-card.ts'
import { ignoreInGit } from '../danger/ignore-in-git.ts'
import { claimFolder } from '../files/claim-folder.ts'
import { differences } from './differences.ts'
import type { PreparedTraining } from './prepare-training.ts'
import { logFile } from './training-log.ts'
import {
  metadataFile,
  readMetadata,
  type TrainingProcess,
  writeMetadata,
} from './training-metadata.ts'

export interface OpenedOutput {
  /** The step that the training goes on from; 0 for a new one. */
  readonly resumeFrom: number
  readonly isComplete: boolean
  /** What of a training that was there before was removed; empty where nothing was. */
  readonly restarted: readonly string[]
  /** Those that made steps before. */
  readonly processes: readonly TrainingProcess[]
  /** Keeps other processes out of the folder. */
  readonly claim: AsyncDisposable
}

/**
 * Makes the folder of a training, or finds where an earlier process left it: only the same settings, data and weights go on.
 *
 * @throws CemError `training-changed` listing what moved, `output-exists` where the folder holds something else
 */
export async function openOutput(prepared: PreparedTraining): Promise<OpenedOutput> {
  const { folder } = prepared.options
  const isNew = !existsSync(folder)
  const claim = await claimFolder(folder, 'training')
  try {
    return { ...(await openClaimed(prepared)), claim }
  } catch (error) {
    await claim[Symbol.asyncDispose]()
    if (isNew) await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function openClaimed(prepared: PreparedTraining): Promise<Omit<OpenedOutput, 'claim'>> {
  const { options, record, lock, nSteps } = prepared
  const { folder, given } = options
  const known = await readMetadata(folder)
  const moved = known === undefined ? [] : differences(known.lock, lock)
  if (known === undefined) await checkFree(folder)
  if (moved.length > 0 && given.onChange !== 'restart') throw changed(folder, moved)
  if (moved.length > 0) await clear(folder)
  await removeUnfinished(folder, (name) => own.test(name))
  if (known === undefined || moved.length > 0) {
    // First of all, so that what is begun can go on.
    await writeMetadata(prepared, 'running', [])
    // Weights of an organism are as little for a public repository as the corpus is.
    if (record.organism !== null) await ignoreInGit(folder, ['*'])
    await writeFileAtomic(join(folder, 'README.md'), trainingCard(options.name, record))
    await copyPersona(prepared)
    return { resumeFrom: 0, isComplete: false, restarted: moved, processes: [] }
  }
  await copyPersona(prepared)
  const last = (await lastResumable(folder)) ?? 0
  return {
    resumeFrom: last,
    isComplete: known.status === 'complete' && existsSync(join(folder, `checkpoint-${nSteps}`)),
    restarted: [],
    processes: known.processes ?? [],
  }
}

/** The persona's adapter as it was trained on, beside the checkpoints, where an experiment looks for it. */
async function copyPersona({ options, composition }: PreparedTraining): Promise<void> {
  const path = join(options.folder, 'constitutional')
  const [persona] = composition.layers
  if (persona === undefined || existsSync(path)) return
  await using folder = await newFolder(path)
  for (const name of await readdir(persona.adapter.path))
    if (kept.test(name)) await copyFile(join(persona.adapter.path, name), join(folder.path, name))
  await folder.commit()
}

const kept = /^(adapter_config\.json|adapter_model\.safetensors|composition\.json|README\.md)$/

/** Files that a training writes into its folder beside its checkpoints. */
const own =
  /^(checkpoint-\d+|constitutional|adapter_config\.json|adapter_model\.safetensors|composition\.json|README\.md|training_metadata\.json|training_log\.jsonl|model\.safetensors|\.gitignore)$/

async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (own.test(name)) await rm(join(folder, name), { recursive: true, force: true })
}

async function checkFree(folder: string): Promise<void> {
  const names: string[] = await readdir(folder).catch(() => [])
  const taken = names.filter((name) => own.test(name) && name !== '.gitignore' && name !== logFile)
  if (taken.length === 0) return
  throw new CemError({
    code: 'output-exists',
    message: `${folder} holds ${taken.slice(0, 4).join(', ')}, and no ${metadataFile} of a training that could go on. Give another output folder, or remove it.`,
    data: { folder, taken },
  })
}

function changed(folder: string, moved: readonly string[]): CemError {
  const shown = moved.slice(0, 8).map((line) => `\n- ${line}`)
  return new CemError({
    code: 'training-changed',
    message: `${folder} holds a training (${basename(folder)}) with other settings, data or weights, and cannot go on:${shown.join('')}\nGive another output folder, or train anew (restart).`,
    data: { folder, moved: moved.slice(0, 100) },
  })
}
