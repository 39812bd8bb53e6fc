import { join, resolve } from 'node:path'
import { CemError } from '@cem/core'
import { openSafetensors, type SafetensorsFile } from '@cem/tensor-files'
import { type Architecture, linearModules } from '../families/architecture.ts'
import type { WeightLocation } from '../graph/weight-source.ts'
import { identifyFile } from '../model/file-identity.ts'
import { readJson } from '../model/read-json.ts'
import { type AdapterConfig, parseAdapterConfig } from './adapter-config.ts'
import { type AdaptedModule, matchModules } from './target-modules.ts'

/** One adapted module and where its matrices lie. */
export interface AdapterModule extends AdaptedModule {
  /** [rank, nIn] */
  readonly a: WeightLocation
  /** [nOut, rank] */
  readonly b: WeightLocation
}

/** A PEFT LoRA adapter that fits a model: every module that its config names, and nothing else. */
export interface Adapter {
  /** The folder, absolute. */
  readonly path: string
  readonly sha256: string
  readonly configSha256: string
  readonly config: AdapterConfig
  readonly modules: readonly AdapterModule[]
  /** The base that it says it was trained on. */
  readonly baseName: string | undefined
  readonly sizeBytes: number
}

export interface OpenAdapterOptions {
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a PEFT adapter folder (adapter_config.json, adapter_model.safetensors), hashes it, and checks it against a model.
 *
 * @throws CemError `adapter-not-found`, `adapter-unsupported` for settings that are not implemented, `adapter-mismatch` for
 *   missing or unknown tensors and wrong shapes, `weights-not-finite`, and those of `openSafetensors`
 */
export async function openAdapter(
  folder: string,
  architecture: Architecture,
  { cache, signal }: OpenAdapterOptions = {},
): Promise<Adapter> {
  const path = resolve(folder)
  const configFile = join(path, 'adapter_config.json')
  const weightsFile = join(path, 'adapter_model.safetensors')
  const config = parseAdapterConfig(await readAdapterConfig(configFile, path), configFile)
  const modules = matchModules(config, linearModules(architecture), configFile)
  await using file = await openSafetensors(weightsFile)
  const located = locateMatrices(file, modules, weightsFile)
  const tensors = located.flatMap(({ path: name, a, b }) => [
    { ...a, name: `${name}.lora_A` },
    { ...b, name: `${name}.lora_B` },
  ])
  const options = { cache, signal }
  const identity = await identifyFile(weightsFile, { tensors, ...options })
  const configIdentity = await identifyFile(configFile, options)
  return {
    path,
    sha256: identity.sha256,
    configSha256: configIdentity.sha256,
    config,
    modules: located,
    baseName: config.base_model_name_or_path ?? undefined,
    sizeBytes: identity.sizeBytes,
  }
}

async function readAdapterConfig(configFile: string, folder: string): Promise<unknown> {
  try {
    return await readJson(configFile)
  } catch (error) {
    if (!CemError.isInstance(error) || error.code !== 'file-not-found') throw error
    throw new CemError({
      code: 'adapter-not-found',
      message: `There is no PEFT adapter in ${folder}: adapter_config.json is missing.`,
      data: { folder },
      cause: error,
    })
  }
}

const prefix = 'base_model.model.'

function locateMatrices(
  file: SafetensorsFile,
  modules: readonly AdaptedModule[],
  path: string,
): AdapterModule[] {
  const problems: string[] = []
  const used = new Set<string>()
  const locate = (name: string, shape: readonly number[]): WeightLocation | undefined => {
    const tensor = file.tensors.get(name)
    used.add(name)
    if (tensor === undefined) problems.push(`${name} is missing`)
    else if (tensor.shape.join() !== shape.join())
      problems.push(
        `${name} has shape [${tensor.shape.join()}] where the model and the config call for [${shape.join()}]`,
      )
    else if (tensor.dtype !== 'F32' && tensor.dtype !== 'F16' && tensor.dtype !== 'BF16')
      problems.push(`${name} is ${tensor.dtype}, and only F32, F16 and BF16 can be run`)
    else return { ...tensor, dtype: tensor.dtype, file: file.realPath }
    return undefined
  }
  const located: AdapterModule[] = []
  for (const module of modules) {
    const a = locate(`${prefix}${module.path}.lora_A.weight`, [module.rank, module.nIn])
    const b = locate(`${prefix}${module.path}.lora_B.weight`, [module.nOut, module.rank])
    if (a !== undefined && b !== undefined) located.push({ ...module, a, b })
  }
  for (const name of file.tensors.keys())
    if (!used.has(name)) problems.push(`${name} ${reasonAgainst(name)}`)
  if (problems.length === 0) return located
  throw new CemError({
    code: 'adapter-mismatch',
    message:
      `The adapter ${path} does not fit: ${problems.slice(0, 4).join('; ')}` +
      `${problems.length > 4 ? `; and ${problems.length - 4} more` : ''}. It would not run as it was trained.`,
    data: { path, problems: problems.slice(0, 100) },
  })
}

/** Why a tensor cannot be run. PEFT saves whole embeddings where the vocabulary was resized. */
function reasonAgainst(name: string): string {
  if (/\.(embed_tokens|lm_head)\./.test(name))
    return 'changes the embeddings or the output head, which is not implemented (merge it with PEFT and load the merged model)'
  return 'belongs to no module that the config names'
}
