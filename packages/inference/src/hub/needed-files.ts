import { CemError } from '@cem/core'
import type { HubFile } from './hub-listing.ts'

/** What a model or an adapter needs besides its weights, and what says what it is. */
const besides = new Set([
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'tokenizer.model',
  'chat_template.jinja',
  'chat_template.json',
])
const papers = /^(README|LICENSE|LICENCE|NOTICE|USE_POLICY)[^/]*$/i
/** Adapters also lie in folders of checkpoints. */
const ofAdapter = /(^|\/)(adapter_config\.json|adapter_model\.safetensors|composition\.json)$/
const shard = /^model-\d+-of-\d+\.safetensors$/

/**
 * The files that running a model takes: configs, tokenizer, weights as safetensors (one file where there is one, as the engine
 * reads it, else shards with their index), adapters, and what says what it is.
 *
 * @throws CemError `hub-no-weights` where there are none
 */
export function neededFiles(files: readonly HubFile[], name: string): HubFile[] {
  const has = new Set(files.map(({ path }) => path))
  const isWhole = has.has('model.safetensors')
  const isWeight = (path: string) =>
    isWhole
      ? path === 'model.safetensors'
      : path === 'model.safetensors.index.json' || shard.test(path)
  const weights = files.filter(({ path }) => isWeight(path) || ofAdapter.test(path))
  if (!weights.some(({ path }) => path.endsWith('.safetensors'))) throw noWeights(files, name)
  return files.filter(
    (file) => weights.includes(file) || besides.has(file.path) || papers.test(file.path),
  )
}

function noWeights(files: readonly HubFile[], name: string): CemError {
  const others = files
    .map(({ path }) => path)
    .filter((path) => /\.(bin|pth?|gguf|onnx|safetensors)$/.test(path))
  const found = others.length === 0 ? '' : ` (it has ${others.slice(0, 5).join(', ')})`
  return new CemError({
    code: 'hub-no-weights',
    message: `${name} has no model.safetensors, no shards of one and no adapter_model.safetensors${found}. Only safetensors are run; all files are fetched where that is asked for.`,
    data: { name },
  })
}
