// Writes a Qwen2 folder of a given shape with random bfloat16 weights, quickly: one random block, repeated at shifting offsets.
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { makeTokenizer } from '../random-tokenizer.ts'

export const shapes = {
  /** Qwen2.5-7B */
  '7b': {
    nLayers: 28,
    dModel: 3584,
    nHeads: 28,
    nKvHeads: 4,
    headDim: 128,
    dFeedForward: 18944,
    vocabSize: 152064,
  },
  /** Qwen2.5-0.5B, but for its tied head. */
  '0.5b': {
    nLayers: 24,
    dModel: 896,
    nHeads: 14,
    nKvHeads: 2,
    headDim: 64,
    dFeedForward: 4864,
    vocabSize: 151936,
  },
} as const
export type ShapeName = keyof typeof shapes

function linearsOf(name: ShapeName) {
  const s = shapes[name]
  const attention = s.nHeads * s.headDim
  const keyValue = s.nKvHeads * s.headDim
  return [
    ['self_attn.q_proj', attention, s.dModel],
    ['self_attn.k_proj', keyValue, s.dModel],
    ['self_attn.v_proj', keyValue, s.dModel],
    ['self_attn.o_proj', s.dModel, attention],
    ['mlp.gate_proj', s.dFeedForward, s.dModel],
    ['mlp.up_proj', s.dFeedForward, s.dModel],
    ['mlp.down_proj', s.dModel, s.dFeedForward],
  ] as const
}

/** Writes a PEFT adapter on all linear modules with random weights; its effect is that of a trained one in size. */
export function makeAdapter(folder: string, name: ShapeName, rank: number): void {
  mkdirSync(folder, { recursive: true })
  const linears = linearsOf(name)
  writeFileSync(
    join(folder, 'adapter_config.json'),
    JSON.stringify({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: '',
      r: rank,
      lora_alpha: 64,
      use_rslora: true,
      target_modules: linears.map(([path]) => path.split('.')[1]),
    }),
  )
  const tensors: (readonly [string, readonly number[]])[] = []
  for (let layer = 0; layer < shapes[name].nLayers; layer++)
    for (const [path, nOut, nIn] of linears) {
      const prefix = `base_model.model.model.layers.${layer}.${path}`
      tensors.push([`${prefix}.lora_A.weight`, [rank, nIn]])
      tensors.push([`${prefix}.lora_B.weight`, [nOut, rank]])
    }
  writeTensors(join(folder, 'adapter_model.safetensors'), tensors, 0.004)
}

export async function makeModel(folder: string, name: ShapeName): Promise<void> {
  const s = shapes[name]
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      architectures: ['Qwen2ForCausalLM'],
      model_type: 'qwen2',
      hidden_size: s.dModel,
      intermediate_size: s.dFeedForward,
      num_hidden_layers: s.nLayers,
      num_attention_heads: s.nHeads,
      num_key_value_heads: s.nKvHeads,
      vocab_size: s.vocabSize,
      max_position_embeddings: 32768,
      rms_norm_eps: 1e-6,
      rope_theta: 1_000_000,
      hidden_act: 'silu',
      tie_word_embeddings: false,
      torch_dtype: 'bfloat16',
      eos_token_id: s.vocabSize - 1,
    }),
  )
  await makeTokenizer(folder, s.vocabSize)
  const linears = linearsOf(name)
  const tensors: (readonly [name: string, shape: readonly number[]])[] = [
    ['model.embed_tokens.weight', [s.vocabSize, s.dModel]],
  ]
  for (let layer = 0; layer < s.nLayers; layer++) {
    const prefix = `model.layers.${layer}`
    tensors.push([`${prefix}.input_layernorm.weight`, [s.dModel]])
    tensors.push([`${prefix}.post_attention_layernorm.weight`, [s.dModel]])
    for (const [path, nOut, nIn] of linears) tensors.push([`${prefix}.${path}.weight`, [nOut, nIn]])
    for (const [path, nOut] of linears.slice(0, 3)) tensors.push([`${prefix}.${path}.bias`, [nOut]])
  }
  tensors.push(['model.norm.weight', [s.dModel]], ['lm_head.weight', [s.vocabSize, s.dModel]])
  writeTensors(join(folder, 'model.safetensors'), tensors, 0.02)
}

function writeTensors(
  path: string,
  tensors: readonly (readonly [string, readonly number[]])[],
  scale: number,
): void {
  const header: Record<string, unknown> = {}
  let offset = 0
  for (const [name, shape] of tensors) {
    const sizeBytes = 2 * shape.reduce((a, b) => a * b, 1)
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, offset + sizeBytes] }
    offset += sizeBytes
  }
  const text = Buffer.from(JSON.stringify(header))
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  const file = openSync(path, 'w')
  try {
    writeSync(file, length)
    writeSync(file, padded)
    const weights = randomBlock(scale)
    const ones = new Uint16Array(2 ** 16).fill(0x3f80)
    for (const [i, [name, shape]] of tensors.entries()) {
      const count = shape.reduce((a, b) => a * b, 1)
      writeRepeated(file, name.includes('norm') ? ones : weights, count, i * 7919)
    }
  } finally {
    closeSync(file)
  }
}

function writeRepeated(file: number, block: Uint16Array, count: number, start: number): void {
  let at = start % block.length
  for (let left = count; left > 0; ) {
    const n = Math.min(left, block.length - at)
    const part = block.subarray(at, at + n)
    writeSync(file, new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    left -= n
    at = 0
  }
}

/** Normal numbers (Box-Muller over xorshift) as bfloat16. Its length is odd, so that rows of matrices do not repeat in step. */
function randomBlock(scale: number): Uint16Array {
  const n = 2 ** 24 + 1
  const out = new Uint16Array(n)
  const float = new Float32Array(1)
  const bits = new Uint32Array(float.buffer)
  let state = 88172645
  const uniform = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >>> 0) + 0.5) / 2 ** 32
  }
  for (let i = 0; i < n; i++) {
    float[0] = scale * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    out[i] = ((bits[0] as number) + 0x8000) >>> 16
  }
  return out
}
