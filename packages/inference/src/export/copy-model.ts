import { constants } from 'node:fs'
import { chmod, copyFile, readdir, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  float32ToBf16,
  float32ToF16,
  isDtype,
  openSafetensors,
  type SafetensorsFile,
  type TensorToWrite,
  writeSafetensors,
} from '@cem/tensor-files'
import type { WeightLocation } from '../graph/weight-source.ts'
import type { ModelFolder } from '../model/model-folder.ts'
import { readJson } from '../model/read-json.ts'

export type WeightDtype = WeightLocation['dtype']

/** What belongs to a model beside its weights: settings, tokenizer, licence. */
const companions =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template)\.json$|^(merges\.txt|tokenizer\.model|chat_template\.jinja)$|^(LICEN[CS]E|NOTICE|USE_POLICY)/i

const indexName = 'model.safetensors.index.json'

export interface ModelFiles {
  /** Names of the weights' files in the folder, and where they really lie. */
  readonly weights: readonly { readonly name: string; readonly realPath: string }[]
  readonly companions: readonly string[]
  /** Files of the folder that are no part of an exported model, such as its card and weights in other formats. */
  readonly leftOut: readonly string[]
  readonly sizeBytes: number
}

/** Sorts what lies in a model's folder. */
export async function listModelFiles(
  model: Pick<ModelFolder, 'folder' | 'weightFiles'>,
): Promise<ModelFiles> {
  const names = (await readdir(model.folder)).toSorted()
  const weights: { name: string; realPath: string }[] = []
  const others: string[] = []
  let sizeBytes = 0
  for (const name of names) {
    const path = await realpath(join(model.folder, name))
    const stats = await stat(path)
    const isWeights = model.weightFiles.includes(path)
    if (isWeights) weights.push({ name, realPath: path })
    else if (stats.isFile()) others.push(name)
    if (isWeights || companions.test(name)) sizeBytes += stats.size
  }
  const isKept = (name: string) => companions.test(name) || name === indexName
  return {
    weights,
    companions: others.filter((name) => companions.test(name)),
    leftOut: others.filter((name) => !isKept(name)),
    sizeBytes,
  }
}

export interface CopyModelOptions {
  readonly dtype: WeightDtype | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Copies a model into a folder: byte for byte, or with its weights in another type (which changes `dtype` in config.json and
 * the sizes in the index, and nothing else).
 */
export async function copyModel(
  model: ModelFolder,
  files: ModelFiles,
  output: string,
  { dtype, signal }: CopyModelOptions,
): Promise<void> {
  for (const name of files.companions) await copy(join(model.folder, name), join(output, name))
  for (const { name, realPath } of files.weights) {
    signal?.throwIfAborted()
    if (dtype === undefined) await copy(realPath, join(output, name))
    else await convert(realPath, join(output, name), dtype, signal)
  }
  const isSharded = !files.weights.some(({ name }) => name === 'model.safetensors')
  if (isSharded && dtype === undefined)
    await copy(join(model.folder, indexName), join(output, indexName))
  if (isSharded && dtype !== undefined) await rewriteIndex(model.folder, output, files)
  if (dtype !== undefined) await rewriteConfig(output, dtype)
}

/** A file system that shares blocks between copies is asked to. */
async function copy(from: string, to: string): Promise<void> {
  await copyFile(await realpath(from), to, constants.COPYFILE_FICLONE)
  // A hub cache may be read-only.
  await chmod(to, 0o644)
}

async function convert(
  from: string,
  to: string,
  dtype: WeightDtype,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using file = await openSafetensors(from)
  const tensors = Array.from(file.tensors.values(), (info): TensorToWrite => {
    const isFloat = info.dtype === 'F32' || info.dtype === 'F16' || info.dtype === 'BF16'
    const target = isFloat ? dtype : info.dtype
    return { ...info, dtype: target, data: converted(file, info.name, target) }
  })
  await writeSafetensors(to, tensors, { metadata: file.metadata, ...(signal && { signal }) })
}

async function* converted(file: SafetensorsFile, name: string, dtype: TensorToWrite['dtype']) {
  const info = file.tensors.get(name)
  if (info === undefined || !isDtype(info.dtype)) return
  if (info.dtype === dtype) yield (await file.read(name)).data
  else {
    const { data } = await file.readFloat32(name)
    yield dtype === 'F32' ? data : dtype === 'BF16' ? float32ToBf16(data) : float32ToF16(data)
  }
}

async function rewriteIndex(folder: string, output: string, files: ModelFiles): Promise<void> {
  const index = (await readJson(join(folder, indexName))) as { metadata?: object }
  let total = 0
  for (const { name } of files.weights) {
    await using file = await openSafetensors(join(output, name))
    for (const { byteLength } of file.tensors.values()) total += byteLength
  }
  const changed = { ...index, metadata: { ...index.metadata, total_size: total } }
  await writeFile(join(output, indexName), `${JSON.stringify(changed, null, 2)}\n`)
}

const torchTypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/** Transformers 4 calls the type `torch_dtype`, Transformers 5 `dtype`. */
async function rewriteConfig(output: string, dtype: WeightDtype): Promise<void> {
  const path = join(output, 'config.json')
  const config = (await readJson(path)) as Record<string, unknown>
  const key = 'torch_dtype' in config && !('dtype' in config) ? 'torch_dtype' : 'dtype'
  const changed = { ...config, [key]: torchTypes[dtype] }
  await writeFile(path, `${JSON.stringify(changed, null, 2)}\n`)
}
