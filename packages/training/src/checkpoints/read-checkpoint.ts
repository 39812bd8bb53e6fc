import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { openSafetensors, type SafetensorsFile } from '@cem/tensor-files'
import type { ParameterSpec, TrainerState } from '../trainer/trainer.ts'
import { optimizerFile, type SavedState, stateFile, weightsNames } from './write-checkpoint.ts'

/** `outputs/<name>/checkpoint-<step>` */
export function checkpointFolder(folder: string, step: number): string {
  return join(folder, `checkpoint-${step}`)
}

/** The steps that have a whole checkpoint, ascending. */
export async function checkpointSteps(folder: string): Promise<number[]> {
  return (await namesIn(folder))
    .flatMap((name) => {
      const step = /^checkpoint-(\d+)$/.exec(name)?.[1]
      return step === undefined ? [] : [Number(step)]
    })
    .toSorted((a, b) => a - b)
}

/** The last checkpoint that a training can go on from: one with the optimiser's state. */
export async function lastResumable(folder: string): Promise<number | undefined> {
  const steps = await checkpointSteps(folder)
  return steps.findLast((step) =>
    [optimizerFile, stateFile].every((name) =>
      existsSync(join(checkpointFolder(folder, step), name)),
    ),
  )
}

/**
 * Removes what a killed process was writing: files and folders that were to get a name that `isOwn` knows.
 */
export async function removeUnfinished(
  folder: string,
  isOwn: (name: string) => boolean,
): Promise<void> {
  for (const name of await namesIn(folder)) {
    const target = /^\.(.+)\.[0-9a-f]{12}\.tmp$/.exec(name)?.[1]
    if (target !== undefined && isOwn(target))
      await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Removes the optimiser's state of earlier checkpoints, which only resuming needs. */
export async function removeOptimizerStates(folder: string, before: number): Promise<void> {
  for (const step of await checkpointSteps(folder))
    if (step < before)
      await rm(join(checkpointFolder(folder, step), optimizerFile), { force: true })
}

/**
 * Reads the state of a checkpoint, bit for bit as it was saved.
 *
 * @throws CemError `checkpoint-mismatch` where it belongs to a training with other parameters; those of `openSafetensors`
 */
export async function readCheckpoint(
  path: string,
  parameters: readonly ParameterSpec[],
): Promise<TrainerState> {
  const saved = JSON.parse(await readFile(join(path, stateFile), 'utf8')) as SavedState
  const weights = Object.values(weightsNames).find((name) => existsSync(join(path, name)))
  await using optimizer = await openSafetensors(join(path, optimizerFile))
  const read = (prefix: string) => flatten(optimizer, parameters, prefix)
  const firstMoments = await read('exp_avg.')
  const secondMoments = await read('exp_avg_sq.')
  if (saved.hasParameters)
    return {
      step: saved.step,
      parameters: await read('parameter.'),
      firstMoments,
      secondMoments,
    }
  await using file = await openSafetensors(join(path, weights ?? weightsNames.lora))
  const values = await flatten(file, parameters, '')
  return { step: saved.step, parameters: values, firstMoments, secondMoments }
}

async function flatten(
  file: SafetensorsFile,
  parameters: readonly ParameterSpec[],
  prefix: string,
): Promise<Float32Array> {
  const sizes = parameters.map(({ shape }) => shape.reduce((size, n) => size * n, 1))
  const flat = new Float32Array(sizes.reduce((a, b) => a + b, 0))
  let start = 0
  for (const [i, { name, shape }] of parameters.entries()) {
    const found = file.tensors.get(`${prefix}${name}`)
    if (found?.shape.join() !== shape.join())
      throw new CemError({
        code: 'checkpoint-mismatch',
        message: `The training cannot go on from ${file.path}: ${prefix}${name} has shape [${found?.shape.join() ?? 'missing'}] where the training has [${shape.join()}]. Give another output folder, or train anew (restart).`,
        data: { file: file.path, tensor: `${prefix}${name}` },
      })
    flat.set((await file.readFloat32(`${prefix}${name}`)).data, start)
    start += sizes[i] ?? 0
  }
  return flat
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = await readdir(folder).catch(() => [])
  return names
}
