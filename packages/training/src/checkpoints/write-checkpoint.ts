import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { type Base, checkDiskSpace, listModelFiles, newFolder } from '@cem/inference'
import { writeSafetensors } from '@cem/tensor-files'
import type { ParameterSpec, TrainerState } from '../trainer/trainer.ts'
import { type CheckpointRecord, recordFile } from './checkpoint-record.ts'
import { type SavedDtype, toTensors } from './state-tensors.ts'
import { trainingCard } from './training-card.ts'

/** What all checkpoints of a training have in common. */
export interface CheckpointSetting {
  /** Name of the training, for the card. */
  readonly name: string
  readonly parameters: readonly ParameterSpec[]
  readonly dtype: SavedDtype
  readonly record: Omit<CheckpointRecord, 'step'>
  /** adapter_config.json of a LoRA training; null where the whole model is trained. */
  readonly adapterConfig: Readonly<Record<string, unknown>> | null
  readonly base: Base
}

export const weightsNames = {
  lora: 'adapter_model.safetensors',
  full: 'model.safetensors',
} as const
export const stateFile = 'training_state.json'
export const optimizerFile = 'optimizer.safetensors'

/** training_state.json: what a resumed training checks before it goes on. */
export interface SavedState {
  readonly formatVersion: 1
  readonly step: number
  /** Whether optimizer.safetensors holds the parameters too, since the weights' file has them rounded. */
  readonly hasParameters: boolean
}

/**
 * Writes a checkpoint's folder, which appears whole or not at all: the adapter as PEFT reads it (or a model folder as Transformers
 * reads it), what it was trained on, a card, and the optimiser's state.
 *
 * @throws CemError `disk-full`, `file-write-failed`; nothing half-written stays, and earlier checkpoints are as they were
 */
export async function writeCheckpoint(
  path: string,
  state: TrainerState,
  setting: CheckpointSetting,
): Promise<void> {
  const { name, parameters, dtype, record, adapterConfig, base } = setting
  const hasParameters = dtype !== 'F32'
  const floats = state.parameters.length
  await checkDiskSpace(path, floats * (hasParameters ? 14 : 12))
  await using folder = await newFolder(path)
  const file = (end: string) => join(folder.path, end)
  const writeJson = (end: string, value: unknown) =>
    writeFileAtomic(file(end), `${JSON.stringify(value, null, 2)}\n`)
  if (adapterConfig === null) await copyModelFiles(base, folder.path, name, dtype)
  else await writeJson('adapter_config.json', adapterConfig)
  await writeSafetensors(
    file(weightsNames[record.parameters]),
    toTensors(parameters, state.parameters, { dtype }),
    { metadata: { format: 'pt' } },
  )
  await writeJson(recordFile, { ...record, step: state.step })
  await writeFileAtomic(file('README.md'), trainingCard(name, record))
  await writeSafetensors(file(optimizerFile), [
    ...toTensors(parameters, state.firstMoments, { prefix: 'exp_avg.' }),
    ...toTensors(parameters, state.secondMoments, { prefix: 'exp_avg_sq.' }),
    ...(hasParameters ? toTensors(parameters, state.parameters, { prefix: 'parameter.' }) : []),
  ])
  const saved: SavedState = { formatVersion: 1, step: state.step, hasParameters }
  await writeJson(stateFile, saved)
  await folder.commit()
}

/** Settings, tokenizer and licence of the model that was trained, under the name of the training. */
async function copyModelFiles(
  base: Base,
  folder: string,
  name: string,
  dtype: SavedDtype,
): Promise<void> {
  const { companions } = await listModelFiles(base)
  for (const companion of companions)
    await copyFile(join(base.folder, companion), join(folder, companion))
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as object
  const type = dtype === 'F32' ? 'float32' : 'bfloat16'
  // Transformers before version 5 reads torch_dtype.
  const own = { ...config, _name_or_path: name, dtype: type, torch_dtype: type }
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(own, null, 2)}\n`)
}
