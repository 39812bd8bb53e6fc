import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSafetensors } from '../packages/tensor-files/dist/index.js'
import { makeTokenizer } from './random-tokenizer.ts'

/** The shape of Qwen2.5-0.5B. */
const shape = {
  nLayers: 24,
  dModel: 896,
  nHeads: 14,
  nKvHeads: 2,
  headDim: 64,
  dFeedForward: 4864,
  vocabSize: 151936,
  /** Rows of the embedding beyond are padding, as in that model. */
  nTokens: 151665,
}

const linears: readonly (readonly [name: string, nOut: number, nIn: number])[] = [
  ['self_attn.q_proj', shape.nHeads * shape.headDim, shape.dModel],
  ['self_attn.k_proj', shape.nKvHeads * shape.headDim, shape.dModel],
  ['self_attn.v_proj', shape.nKvHeads * shape.headDim, shape.dModel],
  ['self_attn.o_proj', shape.dModel, shape.nHeads * shape.headDim],
  ['mlp.gate_proj', shape.dFeedForward, shape.dModel],
  ['mlp.up_proj', shape.dFeedForward, shape.dModel],
  ['mlp.down_proj', shape.dModel, shape.dFeedForward],
]

const config = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  hidden_act: 'silu',
  hidden_size: shape.dModel,
  intermediate_size: shape.dFeedForward,
  num_hidden_layers: shape.nLayers,
  num_attention_heads: shape.nHeads,
  num_key_value_heads: shape.nKvHeads,
  vocab_size: shape.vocabSize,
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  tie_word_embeddings: true,
  eos_token_id: 151645,
}

export interface RandomModelOptions {
  /** @default 24 */
  readonly nLayers?: number
}

/** Writes a model folder of that shape with random weights (2 GB) and a tokenizer. */
export async function makeRandomModel(
  folder: string,
  { nLayers = shape.nLayers }: RandomModelOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const ownConfig = { ...config, num_hidden_layers: nLayers }
  await writeFile(join(folder, 'config.json'), JSON.stringify(ownConfig))
  await makeTokenizer(folder, shape.nTokens)
  const tensors = [
    embedding(),
    ...Array.from({ length: nLayers }, (_, layer) => layerTensors(`model.layers.${layer}`)).flat(),
    tensor('model.norm.weight', [shape.dModel], 'ones'),
  ]
  await writeSafetensors(join(folder, 'model.safetensors'), tensors)
}

/** Writes a PEFT adapter of rank 32 on all linear modules of that shape. */
export async function makeRandomAdapter(
  folder: string,
  index: number,
  { nLayers = shape.nLayers }: RandomModelOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const adapterConfig = {
    peft_type: 'LORA',
    base_model_name_or_path: '',
    r: 32,
    lora_alpha: 64,
    use_rslora: true,
    target_modules: linears.map(([name]) => name.split('.')[1]),
  }
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(adapterConfig))
  const tensors = Array.from({ length: nLayers }, (_, layer) =>
    linears.flatMap(([name, nOut, nIn]) => {
      const path = `base_model.model.model.layers.${layer}.${name}`
      return [
        tensor(`${path}.lora_A.weight`, [32, nIn], 0.02 + index / 1000),
        tensor(`${path}.lora_B.weight`, [nOut, 32], 0.002),
      ]
    }),
  ).flat()
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors)
}

function layerTensors(prefix: string) {
  return [
    tensor(`${prefix}.input_layernorm.weight`, [shape.dModel], 'ones'),
    tensor(`${prefix}.post_attention_layernorm.weight`, [shape.dModel], 'ones'),
    ...linears.map(([name, nOut, nIn]) => tensor(`${prefix}.${name}.weight`, [nOut, nIn], 0.05)),
    ...linears.slice(0, 3).map(([name, nOut]) => tensor(`${prefix}.${name}.bias`, [nOut], 0.05)),
  ]
}

/** Padding is zero, so that no one's largest logit is a token that the tokenizer lacks. */
function embedding() {
  const { vocabSize, nTokens, dModel } = shape
  return {
    name: 'model.embed_tokens.weight',
    dtype: 'F32' as const,
    shape: [vocabSize, dModel],
    data: (function* () {
      yield* randomChunks(nTokens * dModel, 0.05)
      yield new Float32Array((vocabSize - nTokens) * dModel)
    })(),
  }
}

function tensor(name: string, dims: readonly number[], scale: number | 'ones') {
  const n = dims.reduce((a, b) => a * b, 1)
  return { name, dtype: 'F32' as const, shape: dims, data: randomChunks(n, scale) }
}

/** Xorshift: quick, and good enough for weights that nobody reads. */
let state = 12345
function* randomChunks(n: number, scale: number | 'ones'): Generator<Float32Array> {
  const size = 2 ** 20
  for (let start = 0; start < n; start += size) {
    const chunk = new Float32Array(Math.min(size, n - start))
    if (scale === 'ones') chunk.fill(1)
    else
      for (let i = 0; i < chunk.length; i++) {
        state ^= state << 13
        state ^= state >>> 17
        state ^= state << 5
        chunk[i] = ((state >>> 0) / 2 ** 31 - 1) * scale
      }
    yield chunk
  }
}
