import { lstat, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { quote } from './names.ts'
import { openSafetensors, type SafetensorsFile } from './open-safetensors.ts'
import type { TensorInfo } from './safetensors-header.ts'
import { readShardIndex } from './shard-index.ts'
import type { Float32Tensor, ReadOptions, Tensor } from './tensor.ts'
import { tensorNotFound } from './tensor-not-found.ts'

/** A tensor of a model and the file that holds it. */
export interface ModelTensor extends TensorInfo {
  /** The safetensors file, with all symbolic links resolved. `byteOffset` counts from its start. */
  readonly file: string
}

/** The weights of a model folder, in one file or in shards. Dispose of it to close the files. */
export interface ModelWeights extends AsyncDisposable {
  readonly folder: string
  /** The opened safetensors files, with all symbolic links resolved. */
  readonly files: readonly string[]
  readonly tensors: ReadonlyMap<string, ModelTensor>
  /** Tensors that lie in a shard but that the index does not map to it. */
  readonly unmapped: readonly ModelTensor[]
  /** As `SafetensorsFile.read`. */
  read(name: string, options?: ReadOptions): Promise<Tensor>
  /** As `SafetensorsFile.readFloat32`. */
  readFloat32(name: string, options?: ReadOptions): Promise<Float32Tensor>
}

const singleName = 'model.safetensors'
const indexName = 'model.safetensors.index.json'

/**
 * Opens the weights of a Hugging Face model folder: `model.safetensors`, or else `model.safetensors.index.json` with its
 * shards. Reads headers alone.
 *
 * @throws CemError `model-weights-not-found` where the folder has neither, `safetensors-index-invalid` where the index is
 * broken or maps a tensor to a shard that does not hold it, `safetensors-shard-missing`; and those of `openSafetensors`.
 */
export async function openModelWeights(folder: string): Promise<ModelWeights> {
  const single = join(folder, singleName)
  if (await exists(single)) return modelWeights(folder, [await openSafetensors(single)])
  const indexPath = join(folder, indexName)
  if (!(await exists(indexPath))) throw await notFound(folder)
  const shardOf = await readShardIndex(indexPath)
  const shardNames = [...new Set(shardOf.values())].toSorted()
  await checkShardsExist(folder, indexPath, shardNames)
  const shards = new Map<string, SafetensorsFile>()
  try {
    for (const name of shardNames) shards.set(name, await openSafetensors(join(folder, name)))
    checkMapped(indexPath, shardOf, shards)
    const isMapped = (name: string, file: SafetensorsFile) => {
      const shard = shardOf.get(name)
      return shard !== undefined && shards.get(shard) === file
    }
    return modelWeights(folder, [...shards.values()], isMapped)
  } catch (error) {
    await closeAll(shards.values())
    throw error
  }
}

function modelWeights(
  folder: string,
  files: readonly SafetensorsFile[],
  isMapped: (name: string, file: SafetensorsFile) => boolean = () => true,
): ModelWeights {
  const tensors = new Map<string, ModelTensor>()
  const unmapped: ModelTensor[] = []
  const fileOf = new Map<string, SafetensorsFile>()
  for (const file of files)
    for (const info of file.tensors.values()) {
      const tensor = { ...info, file: file.realPath }
      if (!isMapped(info.name, file)) unmapped.push(tensor)
      else {
        tensors.set(info.name, tensor)
        fileOf.set(info.name, file)
      }
    }
  const find = (name: string) => {
    const file = fileOf.get(name)
    if (!file) throw tensorNotFound(folder, name, tensors)
    return file
  }
  return {
    folder,
    files: files.map((file) => file.realPath),
    tensors,
    unmapped,
    read: async (name, options) => find(name).read(name, options),
    readFloat32: async (name, options) => find(name).readFloat32(name, options),
    [Symbol.asyncDispose]: () => closeAll(files),
  }
}

async function closeAll(files: Iterable<SafetensorsFile>): Promise<void> {
  await Promise.all(Array.from(files, (file) => file[Symbol.asyncDispose]()))
}

async function checkShardsExist(
  folder: string,
  indexPath: string,
  shardNames: readonly string[],
): Promise<void> {
  const missing: string[] = []
  // The real path: a link of the Hugging Face cache may have lost the file that it points to.
  for (const name of shardNames)
    if (!(await exists(join(folder, name), realpath))) missing.push(name)
  if (missing.length === 0) return
  throw new CemError({
    code: 'safetensors-shard-missing',
    message: `${folder} lacks ${missing.length} of the ${shardNames.length} files that ${indexPath} names: ${listNames(missing)}. Fetch the model again.`,
    data: { folder, indexPath, missing },
  })
}

function checkMapped(
  indexPath: string,
  shardOf: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, SafetensorsFile>,
): void {
  const absent = [...shardOf].filter(([name, shard]) => !shards.get(shard)?.tensors.has(name))
  const [first] = absent
  if (!first) return
  const names = absent.map(([name]) => name)
  throw new CemError({
    code: 'safetensors-index-invalid',
    message: `${indexPath} maps ${names.length} tensors to files that do not hold them: ${listNames(names)} (the first to ${quote(first[1])}). Fetch the model again.`,
    data: { indexPath, absentCount: names.length, absent: names.slice(0, 100) },
  })
}

async function notFound(folder: string): Promise<CemError> {
  const found = await readdir(folder).catch(() => undefined)
  const weights = found?.filter((name) => /\.(safetensors|bin|pt|pth|gguf|onnx)$/.test(name)) ?? []
  const seen = found
    ? weights.length > 0
      ? ` It holds ${listNames(weights)}.`
      : ` It holds ${found.length} other files.`
    : ' There is no such folder.'
  return new CemError({
    code: 'model-weights-not-found',
    message: `${folder} has neither ${singleName} nor ${indexName}.${seen} Give the folder of a model in safetensors format.`,
    data: { folder, weights: weights.slice(0, 100) },
  })
}

async function exists(
  path: string,
  look: (path: string) => Promise<unknown> = lstat,
): Promise<boolean> {
  try {
    await look(path)
    return true
  } catch {
    return false
  }
}

function listNames(names: readonly string[]): string {
  return `${names.slice(0, 5).map(quote).join(', ')}${names.length > 5 ? `, and ${names.length - 5} more` : ''}`
}
