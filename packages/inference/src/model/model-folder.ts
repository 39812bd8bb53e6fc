import { join } from 'node:path'
import { CemError } from '@cem/core'
import { type ModelTensor, openModelWeights } from '@cem/tensor-files'
import { type Architecture, expectedWeights } from '../families/architecture.ts'
import { readArchitecture } from '../families/read-architecture.ts'
import type { WeightLocation } from '../graph/weight-source.ts'
import { readJson, readOptionalJson } from './read-json.ts'
import { type RecommendedSampling, readRecommendedSampling } from './recommended-sampling.ts'
import { type ResolvedModel, type ResolveModelOptions, resolveModel } from './resolve-model.ts'

/** A Hugging Face model folder whose config and tensor headers were read and checked. No weights are loaded yet. */
export interface ModelFolder extends ResolvedModel {
  readonly architecture: Architecture
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** The files that hold the weights, with links resolved. */
  readonly weightFiles: readonly string[]
  /** Token ids that end an answer, from generation_config.json, else config.json. */
  readonly stopTokenIds: readonly number[]
  /** Sampling settings of generation_config.json, which are not applied; null where it has none. */
  readonly recommendedSampling: RecommendedSampling | null
  /** Every name that the model is known to go by: hub id, `_name_or_path` of its config, the folder. */
  readonly knownNames: readonly string[]
}

/**
 * Opens a model by path or hub id and checks that every weight that its config calls for is there, with the right shape.
 *
 * @throws CemError `model-not-found`, `model-unsupported`, `model-weights-mismatch`, `json-invalid`, and those of
 *   `openModelWeights` in @cem/tensor-files (truncated or broken files)
 */
export async function openModelFolder(
  reference: string,
  options: ResolveModelOptions = {},
): Promise<ModelFolder> {
  const resolved = await resolveModel(reference, options)
  const configFile = join(resolved.folder, 'config.json')
  const config = await readJson(configFile)
  const architecture = readArchitecture(config, configFile)
  await using opened = await openModelWeights(resolved.folder)
  const weights = checkWeights(architecture, opened.tensors, resolved.folder)
  const generation = await readOptionalJson(join(resolved.folder, 'generation_config.json'))
  return {
    ...resolved,
    architecture,
    weights,
    weightFiles: opened.files,
    stopTokenIds: endTokens(generation) ?? endTokens(config) ?? [],
    recommendedSampling: readRecommendedSampling(generation),
    knownNames: knownNames(resolved, reference, config),
  }
}

/** Tensors that checkpoints of known models carry without need. */
const harmless = /\.rotary_emb\.inv_freq$/

function checkWeights(
  architecture: Architecture,
  found: ReadonlyMap<string, ModelTensor>,
  folder: string,
): Map<string, WeightLocation> {
  const weights = new Map<string, WeightLocation>()
  const problems: string[] = []
  for (const [name, shape] of expectedWeights(architecture)) {
    const tensor = found.get(name)
    if (tensor === undefined) problems.push(`${name} is missing`)
    else if (tensor.shape.join() !== shape.join())
      problems.push(
        `${name} has shape [${tensor.shape.join()}] where config.json calls for [${shape.join()}]`,
      )
    else if (!isSupported(tensor.dtype))
      problems.push(`${name} is ${tensor.dtype}, and only F32, F16 and BF16 can be run`)
    else weights.set(name, { ...tensor, dtype: tensor.dtype })
  }
  for (const name of found.keys()) {
    // Tied models may store the head as well; Transformers ignores it in favour of the embeddings, and so do we.
    const isTiedHead = name === 'lm_head.weight' && architecture.tiedEmbeddings
    if (
      !weights.has(name) &&
      !isTiedHead &&
      !harmless.test(name) &&
      !problems.some((p) => p.startsWith(`${name} `))
    )
      problems.push(`${name} is unknown to a ${architecture.family} model`)
  }
  if (problems.length === 0) return weights
  const shown = problems.slice(0, 5).join('; ')
  throw new CemError({
    code: 'model-weights-mismatch',
    message: `The weights in ${folder} do not fit its config.json: ${shown}${problems.length > 5 ? `; and ${problems.length - 5} more` : ''}.`,
    data: { folder, problems: problems.slice(0, 100) },
  })
}

function isSupported(dtype: string): dtype is WeightLocation['dtype'] {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'
}

function endTokens(config: unknown): number[] | undefined {
  const value = (config as { eos_token_id?: unknown } | null | undefined)?.eos_token_id
  const ids = Array.isArray(value) ? value : [value]
  return ids.every((id): id is number => Number.isInteger(id)) ? ids : undefined
}

function knownNames(resolved: ResolvedModel, reference: string, config: unknown): string[] {
  const stored = (config as { _name_or_path?: unknown })._name_or_path
  const names = [
    resolved.name,
    reference,
    resolved.folder,
    ...(typeof stored === 'string' ? [stored] : []),
  ]
  return [...new Set(names.filter((name) => name !== ''))]
}
