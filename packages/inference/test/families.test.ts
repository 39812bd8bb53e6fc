import { describe, expect, test, vi } from 'vitest'
import { type Architecture, blockNorms } from '../src/families/architecture.ts'
import { readArchitecture } from '../src/families/read-architecture.ts'

vi.setConfig({ testTimeout: 60_000 })

const sizes = {
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: 320,
}
const read = (config: object) => readArchitecture({ ...sizes, ...config }, 'config.json')
const windows = ({ layers }: Architecture) => layers.map((layer) => layer.window)

/** The error's message, or undefined where the config is taken. */
function refusal(config: object): string | undefined {
  try {
    read(config)
    return undefined
  } catch (error) {
    expect(error).toMatchObject({ code: 'model-unsupported' })
    return (error as Error).message
  }
}

describe('a setting that would be computed otherwise is refused by its key, its value and what is allowed', () => {
  const llama = { model_type: 'llama' }
  const cases: [string, object, string[]][] = [
    ['no model type', { model_type: undefined }, ['model_type is undefined', 'llama']],
    [
      'an unknown family',
      { model_type: 'mamba' },
      ['model_type is "mamba"', 'qwen2, qwen3, llama'],
    ],
    ['a name of Object', { model_type: 'constructor' }, ['model_type is "constructor"']],
    ['Gemma 3 with images', { model_type: 'gemma3' }, ['model_type is "gemma3"', 'gemma3_text']],
    [
      'longrope',
      { ...llama, rope_scaling: { rope_type: 'longrope', factor: 4 } },
      ['rope_scaling.rope_type is "longrope"', '"llama3"', '"yarn"'],
    ],
    [
      'an unknown type under its older name',
      { ...llama, rope_scaling: { type: 'mrope', factor: 4 } },
      ['rope_scaling.type is "mrope"', '"linear"'],
    ],
    [
      'an unknown key of the rotary embedding',
      { ...llama, rope_parameters: { rope_type: 'default', mrope_section: [2] } },
      ['rope_parameters', 'mrope_section'],
    ],
    [
      'llama3 without a bound',
      { ...llama, rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1 } },
      ['rope_scaling.high_freq_factor is undefined', 'llama3 needs a number'],
    ],
    [
      'linear without its factor',
      { ...llama, rope_scaling: { type: 'linear' } },
      ['rope_scaling.factor is undefined', 'linear needs a number'],
    ],
    [
      'a part of the head rotated',
      { ...llama, partial_rotary_factor: 0.5 },
      ['partial_rotary_factor is 0.5', 'expected 1'],
    ],
    [
      'quantised weights',
      { ...llama, quantization_config: { quant_method: 'awq' } },
      ['quantization_config is {"quant_method":"awq"}', 'expected null'],
    ],
    [
      'a head size of 24',
      { ...llama, head_dim: 24 },
      ['head size is 24', 'head_dim', 'multiple of 16'],
    ],
    [
      'a head size that is no whole number',
      { ...llama, head_dim: null, hidden_size: 66 },
      ['hidden_size', '16.5'],
    ],
    [
      'heads that cannot be shared',
      { ...llama, num_key_value_heads: 3 },
      ['num_attention_heads is 4', '3 num_key_value_heads'],
    ],
    ['another activation', { ...llama, hidden_act: 'gelu' }, ['hidden_act is "gelu"', '"silu"']],
    [
      'another activation of Gemma',
      { model_type: 'gemma2', hidden_activation: 'gelu' },
      ['hidden_activation is "gelu"', '"gelu_pytorch_tanh"'],
    ],
    [
      'a window of no tokens',
      { model_type: 'mistral', sliding_window: 0 },
      ['sliding_window is 0', '>0'],
    ],
    [
      'layer types of Mistral',
      { model_type: 'mistral', layer_types: Array(4).fill('full_attention') },
      ['layer_types is ["full_attention"', 'expected null'],
    ],
    [
      'a kind of attention that is not there',
      { model_type: 'qwen3', layer_types: Array(4).fill('linear_attention') },
      ['layer_types.0 is "linear_attention"', '"sliding_attention"'],
    ],
    [
      'layer types for fewer layers',
      { model_type: 'gemma2', layer_types: ['full_attention'] },
      ['layer_types is ["full_attention"]', 'each of the 4 layers'],
    ],
    [
      'windows that are switched off and yet used',
      {
        model_type: 'qwen2',
        use_sliding_window: false,
        layer_types: Array(4).fill('sliding_attention'),
      },
      ['sliding_window', 'needs a number of tokens'],
    ],
    [
      'attention in both directions',
      { model_type: 'gemma3_text', use_bidirectional_attention: true },
      ['use_bidirectional_attention is true', 'expected false'],
    ],
    [
      'a soft cap that Gemma 3 does not have',
      { model_type: 'gemma3_text', attn_logit_softcapping: 50 },
      ['attn_logit_softcapping is 50', 'expected null'],
    ],
    [
      'one rotary embedding for both kinds of Gemma 3’s layers',
      { model_type: 'gemma3_text', rope_parameters: { rope_type: 'default', rope_theta: 1e6 } },
      ['rope_parameters', 'rope_type'],
    ],
    [
      'a scaling of Gemma 3 that Transformers takes no notice of',
      { model_type: 'gemma3_text', rope_scaling: { type: 'linear', factor: 8 } },
      ['rope_scaling.type is "linear"', 'rope_type'],
    ],
    ['a negative cap', { model_type: 'gemma2', final_logit_softcapping: -1 }, ['is -1', '>0']],
  ]
  test.each(cases)('%s', (_, config, parts) => {
    const message = refusal(config)
    for (const part of parts) expect(message).toContain(part)
  })
})

describe('config.json as Transformers 4 and as Transformers 5 wrote it', () => {
  const llama3 = {
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 32,
  }
  test('is one architecture', () => {
    const older = read({
      model_type: 'llama',
      rope_theta: 5e5,
      rope_scaling: { type: 'llama3', ...llama3 },
    })
    const newer = read({
      model_type: 'llama',
      rope_parameters: { rope_type: 'llama3', rope_theta: 5e5, ...llama3 },
    })
    expect(older).toEqual(newer)
    expect(older.ropes).toEqual([
      {
        theta: 5e5,
        scaling: {
          type: 'llama3',
          factor: 8,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalMaxPositions: 32,
        },
      },
    ])
  })

  test('is one architecture for both rotary embeddings of Gemma 3', () => {
    const gemma = { model_type: 'gemma3_text', sliding_window: 512 }
    const older = read({
      ...gemma,
      sliding_window_pattern: 2,
      rope_theta: 2e6,
      rope_local_base_freq: 5e3,
      rope_scaling: { rope_type: 'linear', factor: 8 },
    })
    const [local, full] = ['sliding_attention', 'full_attention']
    const newer = read({
      ...gemma,
      layer_types: [local, full, local, full],
      rope_parameters: {
        full_attention: { rope_type: 'linear', rope_theta: 2e6, factor: 8 },
        sliding_attention: { rope_type: 'default', rope_theta: 5e3 },
      },
    })
    expect(older).toEqual(newer)
    expect(older.layers).toEqual([
      { window: 512, rope: 1 },
      { window: null, rope: 0 },
      { window: 512, rope: 1 },
      { window: null, rope: 0 },
    ])
  })
})

describe('what a config leaves out is what Transformers makes of it', () => {
  test('Qwen3 has no biases and heads of 128', () => {
    const { head_dim: _, ...rest } = sizes
    const qwen3 = readArchitecture({ ...rest, model_type: 'qwen3' }, 'config.json')
    expect(qwen3).toMatchObject({ headDim: 128, hasQueryKeyNorms: true, biased: new Set() })
    expect(windows(qwen3)).toEqual([null, null, null, null])
  })

  test('Mistral sees 4,096 tokens unless sliding_window is null', () => {
    expect(windows(read({ model_type: 'mistral' }))).toEqual([4096, 4096, 4096, 4096])
    expect(windows(read({ model_type: 'mistral', sliding_window: null }))).toEqual([
      null,
      null,
      null,
      null,
    ])
  })

  test('Qwen2 windows begin after max_window_layers, where they are in use', () => {
    const qwen2 = { model_type: 'qwen2', sliding_window: 9, max_window_layers: 3 }
    expect(windows(read(qwen2))).toEqual([null, null, null, null])
    expect(windows(read({ ...qwen2, use_sliding_window: true }))).toEqual([null, null, null, 9])
  })

  test('Gemma 2 begins with a window, has its caps, and its norms go around each part', () => {
    const gemma2 = read({ model_type: 'gemma2' })
    expect(windows(gemma2)).toEqual([4096, null, 4096, null])
    expect(gemma2).toMatchObject({
      embeddingScale: 8,
      attentionScale: 1 / 16,
      attentionSoftCap: 50,
      logitSoftCap: 30,
      tiedEmbeddings: true,
    })
    expect(blockNorms(gemma2).beforeMlp).toBe('pre_feedforward_layernorm')
  })

  test('Gemma 3 sees everything in every sixth layer', () => {
    const gemma3 = read({ model_type: 'gemma3_text', num_hidden_layers: 7 })
    expect(windows(gemma3)).toEqual([4096, 4096, 4096, 4096, 4096, null, 4096])
    expect(gemma3.ropes).toEqual([
      { theta: 1e6, scaling: null },
      { theta: 1e4, scaling: null },
    ])
    expect(gemma3).toMatchObject({ attentionSoftCap: null, logitSoftCap: null })
  })

  test('Llama has biases only where it says so', () => {
    const biased = (config: object) => [...read({ model_type: 'llama', ...config }).biased]
    expect(biased({})).toEqual([])
    expect(biased({ attention_bias: true })).toContain('self_attn.o_proj')
    expect(biased({ mlp_bias: true })).toEqual(['mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'])
  })
})
